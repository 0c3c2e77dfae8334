/* util.h - small helpers used everywhere: early return, checked arithmetic, loads and stores. */
#ifndef FVM_BASE_UTIL_H
#define FVM_BASE_UTIL_H

#include <fvm/base.h>
#include <string.h>

#define FVM_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Returns the error of `expr` from the calling function, if there is one. */
#define FVM_TRY(expr)                                                                              \
    do {                                                                                           \
        fvm_err fvm_try_err_ = (expr);                                                             \
        if (fvm_try_err_ != FVM_OK) return fvm_try_err_;                                           \
    } while (0)

#define FVM_LIKELY(x) __builtin_expect(!!(x), 1)
#define FVM_UNLIKELY(x) __builtin_expect(!!(x), 0)

/** A string literal or a byte list as fvm_bytes. */
#define FVM_STR(literal) ((fvm_bytes){ (const uint8_t *)(literal), sizeof(literal) - 1 })
#define FVM_BYTES(...)                                                                             \
    ((fvm_bytes){ (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }) })

__extension__ typedef unsigned __int128 fvm_u128;

static inline bool fvm_add_u64(uint64_t *out, uint64_t a, uint64_t b)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline bool fvm_mul_u64(uint64_t *out, uint64_t a, uint64_t b)
{
    return !__builtin_mul_overflow(a, b, out);
}
/** Saturating forms, as the reference's milligas arithmetic. */
static inline uint64_t fvm_sat_add_u64(uint64_t a, uint64_t b)
{
    uint64_t r;
    return __builtin_add_overflow(a, b, &r) ? UINT64_MAX : r;
}
static inline uint64_t fvm_sat_sub_u64(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}
static inline uint64_t fvm_sat_mul_u64(uint64_t a, uint64_t b)
{
    uint64_t r;
    return __builtin_mul_overflow(a, b, &r) ? UINT64_MAX : r;
}

/** Bits that are set. In line, since the x86-64 that packages are built for has no instruction for it,
 *  and the compiler's own function was a tenth of the time of a trie. */
static inline unsigned fvm_popcount64(uint64_t v)
{
    v -= v >> 1 & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
    v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(v * UINT64_C(0x0101010101010101) >> 56);
}
/* Written out, not as loops: only so does a compiler make one instruction of each at -O2, and eight
 * stores that are then read back as one word cost more than the rest of a small syscall. */
static inline uint32_t fvm_load_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t fvm_load_le64(const uint8_t *p)
{
    return (uint64_t)fvm_load_le32(p) | (uint64_t)fvm_load_le32(p + 4) << 32;
}
static inline void fvm_store_le32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16), p[3] = (uint8_t)(v >> 24);
}
static inline void fvm_store_le64(uint8_t *p, uint64_t v)
{
    fvm_store_le32(p, (uint32_t)v);
    fvm_store_le32(p + 4, (uint32_t)(v >> 32));
}
static inline uint64_t fvm_load_be64(const uint8_t *p)
{
    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | (uint64_t)p[7];
}
static inline void fvm_store_be64(uint8_t *p, uint64_t v)
{
    p[0] = (uint8_t)(v >> 56), p[1] = (uint8_t)(v >> 48);
    p[2] = (uint8_t)(v >> 40), p[3] = (uint8_t)(v >> 32);
    p[4] = (uint8_t)(v >> 24), p[5] = (uint8_t)(v >> 16);
    p[6] = (uint8_t)(v >> 8), p[7] = (uint8_t)v;
}

static inline bool fvm_bytes_eq(fvm_bytes a, fvm_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/** Lexicographic order, a prefix first. */
static inline int fvm_bytes_cmp(fvm_bytes a, fvm_bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}
static inline fvm_bytes fvm_buf_bytes(const fvm_buf *buf)
{
    return (fvm_bytes){ buf->ptr, buf->len };
}
static inline fvm_bytes fvm_bytes_of(const char *s)
{
    return (fvm_bytes){ (const uint8_t *)s, strlen(s) };
}

/** Takes `n` bytes off the front of `in`; all reading of outside bytes passes here. */
static inline FVM_NODISCARD fvm_err fvm_bytes_take(fvm_bytes *out, fvm_bytes *in, uint64_t n)
{
    if (n > in->len) return FVM_ERR_TRUNCATED; /* compare lengths: `ptr + n` may not exist */
    *out = (fvm_bytes){ in->ptr, (size_t)n };
    if (n) in->ptr += n;
    in->len -= (size_t)n;
    return FVM_OK;
}

/** Allocation through an allocator, which may be NULL for libc's. Zero sizes give NULL. */
#ifdef __wasm__
/* In an actor there is one heap, which ends the call when it is used up, and nothing is freed: code for
 * either would be weight in each module. `ptr` is given back when `new_size` is 0. */
void *fvm__heap_resize(void *ptr, size_t old_size, size_t new_size);
static inline void *fvm_mem_resize(const fvm_allocator *a, void *ptr, size_t old_size,
                                   size_t new_size)
{
    (void)a;
    void *p = fvm__heap_resize(ptr, old_size, new_size);
    if (!p) __builtin_unreachable();
    return p;
}
#else
static inline void *fvm_mem_resize(const fvm_allocator *a, void *ptr, size_t old_size,
                                   size_t new_size)
{
    if (!a) a = fvm_allocator_libc();
    return a->resize(a->ctx, ptr, old_size, new_size);
}
#endif
static inline void *fvm_mem_alloc(const fvm_allocator *a, size_t size)
{
    return size ? fvm_mem_resize(a, NULL, 0, size) : NULL;
}
/** Asks for large pages under memory of many megabytes that is read here and there: without, most such
 *  reads miss the table of pages as well. A hint; touches nothing. */
void fvm__mem_large_pages(void *ptr, size_t size);
static inline void *fvm_mem_zalloc(const fvm_allocator *a, size_t size)
{
    void *p = fvm_mem_alloc(a, size);
    if (p) memset(p, 0, size);
    return p;
}
static inline void fvm_mem_free(const fvm_allocator *a, void *ptr, size_t size)
{
#ifdef __wasm__
    (void)a, (void)ptr, (void)size;
#else
    if (ptr) (void)fvm_mem_resize(a, ptr, size, 0);
#endif
}

static inline FVM_NODISCARD fvm_err fvm_buf_put_u8(fvm_buf *buf, uint8_t b)
{
    if (FVM_UNLIKELY(buf->len == buf->cap)) FVM_TRY(fvm_buf_reserve(buf, 1));
    buf->ptr[buf->len++] = b;
    return FVM_OK;
}
#endif
