/* why.c - see why.h. */
#include "why.h"

#include <stdarg.h>
#include <stdio.h>

void fvm__why_write(fvm_store_why *why, const char *format, ...)
{
    if (!why) return;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(why->text, sizeof why->text, format, list);
    va_end(list);
}
