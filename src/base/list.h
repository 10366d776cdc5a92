/* SPDX-License-Identifier: MIT */
/*
 * Owns: a doubly linked list. Each element has a field of type struct list for each list that it
 * can be in. The head of a list is a struct list too. So an element can be removed without knowing
 * its list.
 * Must not know: what the elements are.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* The element, of type `type`, whose field `member` is *link. */
#define container_of(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* A head points to itself if its list is empty. An element points to itself if it is in no list. */
struct list {
    struct list *next;
    struct list *prev;
};

/* Must be called for each head and each element before its first use. */
static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

/* For a head: whether the list is empty. For an element: whether it is in no list. */
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Puts an element at the end of a list. The element must be in no list. */
static inline void list_push(struct list *head, struct list *element)
{
    element->prev = head->prev;
    element->next = head;
    head->prev->next = element;
    head->prev = element;
}

/* Removes an element from the list that it is in. Does nothing if it is in no list. */
static inline void list_remove(struct list *element)
{
    element->prev->next = element->next;
    element->next->prev = element->prev;
    list_init(element);
}

#endif
