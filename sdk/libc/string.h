/* string.h - the part of it that a freestanding module has; see string.c. */
#ifndef FVM_SDK_STRING_H
#define FVM_SDK_STRING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#define FVM_RESTRICT
#else
#define FVM_RESTRICT restrict
#endif
void *memcpy(void *FVM_RESTRICT to, const void *FVM_RESTRICT from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *in, int c, size_t n);
size_t strlen(const char *s);
#ifdef __cplusplus
}
#endif
#endif
