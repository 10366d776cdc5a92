/* SPDX-License-Identifier: MIT */
/*
 * Owns: a doubly linked list. An element has one field of type struct list for each list that the
 * element can be in. The head of a list is a struct list too, and head and elements form a ring. So
 * list_remove needs only the element, not the head of its list. Must not know: what the elements
 * are.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Evaluates to a pointer to the element of type `type` whose field `member` is *link. */
#define container_of(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* The head of an empty list points to itself. An element that is in no list points to itself. */
struct list {
    struct list *next;
    struct list *prev;
};

/* Prepares a head or an element. Call this function once for each head and each element, before
 * their first use. */
static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

/* For a head: returns whether the list is empty. For an element: returns whether the element is in
 * no list. */
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Adds an element at the end of a list. The element must be in no list. */
static inline void list_push(struct list *head, struct list *element)
{
    element->prev = head->prev;
    element->next = head;
    head->prev->next = element;
    head->prev = element;
}

/* Removes an element from its list. If the element is in no list, the function does nothing. */
static inline void list_remove(struct list *element)
{
    element->prev->next = element->next;
    element->next->prev = element->prev;
    list_init(element);
}

#endif
