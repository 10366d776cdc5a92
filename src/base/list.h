/* SPDX-License-Identifier: MIT */
/*
 * Owns: a doubly linked list through a field of its elements. The head is a link too, so an element
 * is unlinked in constant time without knowing its list, and the head's owner need not know it
 * left.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* The element that holds `link` as its field `member`. */
#define container_of(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* A head points at itself when its list is empty; an element does when it is in no list. */
struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

/* For a head: nothing in it. For an element: it is in no list. */
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Puts an element that is in no list at the end. */
static inline void list_push(struct list *head, struct list *element)
{
    element->prev = head->prev;
    element->next = head;
    head->prev->next = element;
    head->prev = element;
}

/* Takes an element out of whatever list it is in, if any. */
static inline void list_remove(struct list *element)
{
    element->prev->next = element->next;
    element->next->prev = element->prev;
    list_init(element);
}

#endif
