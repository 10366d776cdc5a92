/* SPDX-License-Identifier: MIT */
/*
 * The only file that calls toml++. It must not know what the keys mean.
 *
 * toml++ consists of headers, so this file takes some seconds to compile, and no other file
 * includes them. toml++ allocates by C++'s operator new and not by the one allocator
 * (base/alloc.h); the size of a file is bounded by the caller. This file is compiled without
 * exceptions (-fno-exceptions): toml++ then returns errors, and operator new ends the program when
 * memory is out, as the one allocator does.
 */
#include "nsqd/toml.h"

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES TOML_NESTED_MAX
#include <toml++/toml.h>

#include <algorithm>
#include <string_view>

struct toml_document {
    toml::table root;
};

/* Cuts the reason between two characters. Control characters become '?': the name of a key may
 * contain any character. */
static void fail(struct toml_error *error, const toml::source_position &at, std::string_view why)
{
    size_t n = std::min(why.size(), sizeof error->why - 1);
    while (n < why.size() && n > 0 && (static_cast<unsigned char>(why[n]) & 0xC0) == 0x80) {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = static_cast<unsigned char>(why[i]);
        error->why[i] = c < ' ' || c == 0x7F ? '?' : why[i];
    }
    error->why[n] = '\0';
    error->line = static_cast<unsigned>(at.line);
    error->column = static_cast<unsigned>(at.column);
}

struct toml_document *toml_read(const char *p, size_t n, struct toml_error *error)
{
    std::string_view text(p, n);
    if (std::count(text.begin(), text.end(), '.') > TOML_DOTS_MAX) {
        fail(error, toml::source_position{}, "expected at most 4096 dots in a file");
        return nullptr;
    }
    toml::parse_result result = toml::parse(text);
    if (!result) {
        fail(error, result.error().source().begin, result.error().description());
        return nullptr;
    }
    return new toml_document{std::move(result).table()};
}

void toml_free(struct toml_document *document)
{
    delete document;
}

static struct toml_value value_of(toml::node &node)
{
    struct toml_value v = {};
    v.line = static_cast<unsigned>(node.source().begin.line);
    v.column = static_cast<unsigned>(node.source().begin.column);
    if (auto *string = node.as_string()) {
        v.kind = TOML_STRING;
        v.text = string->get().data();
        v.n = string->get().size();
    } else if (auto *integer = node.as_integer()) {
        v.kind = TOML_INTEGER;
        v.is.integer = integer->get();
    } else if (auto *real = node.as_floating_point()) {
        v.kind = TOML_FLOAT;
        v.is.real = real->get();
    } else if (auto *boolean = node.as_boolean()) {
        v.kind = TOML_BOOLEAN;
        v.is.boolean = boolean->get();
    } else if (auto *array = node.as_array()) {
        v.kind = TOML_ARRAY;
        v.is.array = array;
        v.n = array->size();
    } else {
        v.kind = node.is_table() ? TOML_TABLE : TOML_TIME;
    }
    return v;
}

bool toml_find(struct toml_document *document, const char *key, struct toml_value *value)
{
    toml::node *node = document->root.get(std::string_view(key));
    if (node == nullptr) {
        return false;
    }
    *value = value_of(*node);
    return true;
}

struct toml_value toml_item(const struct toml_value *array, size_t i)
{
    return value_of((*static_cast<toml::array *>(array->is.array))[i]);
}
