/* err.c - numbers of the error table as text and class. */
#include "util.h"

const char *fvm_err_text(fvm_err err)
{
    switch (err) {
#define FVM_ERR_TEXT(name, number, class_, text)                                                   \
    case FVM_ERR_##name: return text;
        FVM_ERR_MAP(FVM_ERR_TEXT)
#undef FVM_ERR_TEXT
    }
    return "unknown error";
}

fvm_err_class fvm_err_class_of(fvm_err err)
{
    switch (err) {
#define FVM_ERR_CLASS(name, number, class_, text)                                                  \
    case FVM_ERR_##name: return FVM_CLASS_##class_;
        FVM_ERR_MAP(FVM_ERR_CLASS)
#undef FVM_ERR_CLASS
    }
    return FVM_CLASS_HOST;
}
