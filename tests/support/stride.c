/* SPDX-License-Identifier: MIT */
/*
 * Chooses the stride by the build and by whether the test runs under valgrind.
 */
#include "support/stride.h"

#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#define HAS_FEATURE(f) __has_feature(f)
#else
#define HAS_FEATURE(f) 0
#endif

bool under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

size_t stride(size_t valgrind)
{
    if (under_valgrind()) {
        return valgrind;
    }
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
    return STRIDE_SANITIZERS;
#else
    return 1;
#endif
}
