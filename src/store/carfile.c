/* carfile.c - a CAR file as a read-only store. The index is a sorted array of (hash of the CID,
 * offset of the section): 16 bytes a block. The hash has a random key, so that an archive cannot be
 * made whose blocks all meet in one place; what a lookup answers does not depend on it, since the
 * CID in the file is compared. Reading is pread, not mmap: a file that somebody cuts off while it is
 * open gives an error and no signal. Only files that this program wrote, and replaces but never
 * changes, are mapped as well, so that they can give views: bundles. */
#include "carstream.h"

#include "base/map.h"
#include "base/varint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

typedef struct entry {
    uint64_t hash;
    uint64_t offset; /* of the section */
} entry;

typedef struct car_store {
    const fvm_allocator *alloc;
    int fd;
    uint64_t size;
    const uint8_t *map; /* of the whole file; or NULL. With fd -1 it is borrowed memory */
    uint64_t k0, k1;
    fvm_buf roots; /* array of fvm_cid */
    fvm_buf index; /* array of entry, by hash then offset */
} car_store;

static uint64_t hash_cid(const car_store *store, const fvm_cid *cid)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    return fvm_siphash(store->k0, store->k1, (fvm_bytes){ bytes, fvm_cid_write(bytes, cid) });
}

static int compare_entries(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* First entry with this hash, or where it would be. */
static size_t find_hash(const car_store *store, uint64_t hash)
{
    const entry *index = (const entry *)(const void *)store->index.ptr;
    size_t low = 0, high = store->index.len / sizeof(entry);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (index[mid].hash < hash)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static fvm_err read_bytes(const car_store *store, uint8_t *out, size_t len, uint64_t offset)
{
    if (store->fd >= 0) return fvm__pread_full(store->fd, out, len, offset);
    if (offset > store->size || len > store->size - offset) return FVM_ERR_TRUNCATED;
    memcpy(out, store->map + offset, len);
    return FVM_OK;
}

/* The head of the section at `offset`: its CID, and where its data lies. */
static fvm_err read_section(const car_store *store, fvm_cid *cid, uint64_t *data_offset,
                            uint64_t *data_len, uint64_t offset)
{
    uint8_t head[FVM_VARINT_MAX + FVM_CID_BYTES_MAX];
    size_t want = sizeof head, used;
    uint64_t len;
    if (offset >= store->size) return FVM_ERR_IO;
    if (store->size - offset < want) want = (size_t)(store->size - offset);
    FVM_TRY(read_bytes(store, head, want, offset));
    fvm_bytes rest = { head, want };
    FVM_TRY(fvm_varint_read(&len, &rest));
    size_t prefix = want - rest.len;
    if (len < rest.len) rest.len = (size_t)len;
    FVM_TRY(fvm_cid_read(cid, &used, rest));
    if (len < used || len > FVM_CAR_SECTION_MAX) return FVM_ERR_IO;
    *data_offset = offset + prefix + used;
    *data_len = len - used;
    return FVM_OK;
}

/* Where the data of `cid` lies. FVM_ERR_NOT_FOUND; FVM_ERR_IO when the file is not any more what was
 * indexed. */
static fvm_err locate(const car_store *store, uint64_t *data_offset, uint64_t *data_len,
                      const fvm_cid *cid)
{
    const entry *index = (const entry *)(const void *)store->index.ptr;
    size_t count = store->index.len / sizeof(entry);
    uint64_t hash = hash_cid(store, cid);
    for (size_t i = find_hash(store, hash); i < count && index[i].hash == hash; i++) {
        fvm_cid found;
        if (read_section(store, &found, data_offset, data_len, index[i].offset) != FVM_OK)
            return FVM_ERR_IO;
        if (fvm_cid_eq(&found, cid)) return FVM_OK;
    }
    return FVM_ERR_NOT_FOUND;
}

static fvm_err car_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    car_store *store = self;
    uint64_t offset, len;
    FVM_TRY(locate(store, &offset, &len, cid));
    if (len == 0) return FVM_OK;
    FVM_TRY(fvm_buf_reserve(out, (size_t)len));
    if (read_bytes(store, out->ptr + out->len, (size_t)len, offset) != FVM_OK) return FVM_ERR_IO;
    out->len += (size_t)len;
    return FVM_OK;
}

static fvm_err car_has(void *self, bool *out, const fvm_cid *cid)
{
    uint64_t offset, len;
    fvm_err err = locate(self, &offset, &len, cid);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    *out = err == FVM_OK;
    return FVM_OK;
}

static fvm_err car_put_many(void *self, const fvm_block *blocks, size_t count)
{
    (void)self;
    (void)blocks;
    return count == 0 ? FVM_OK : FVM_ERR_READ_ONLY;
}

static fvm_err car_view(void *self, fvm_bytes *out, const fvm_cid *cid)
{
    const car_store *store = self;
    uint64_t offset, len;
    FVM_TRY(locate(store, &offset, &len, cid));
    if (offset > store->size || len > store->size - offset) return FVM_ERR_IO;
    *out = (fvm_bytes){ store->map + offset, (size_t)len };
    return FVM_OK;
}

static void car_free(void *self)
{
    car_store *store = self;
    if (store->map && store->fd >= 0)
        (void)munmap((void *)(uintptr_t)store->map, (size_t)store->size);
    if (store->fd >= 0) close(store->fd);
    fvm_buf_deinit(&store->roots);
    fvm_buf_deinit(&store->index);
    fvm_mem_free(store->alloc, store, sizeof *store);
}

static const fvm_blockstore_ops car_ops = { car_get, car_has, car_put_many, NULL, car_free };
static const fvm_blockstore_ops mapped_ops = { car_get, car_has, car_put_many, car_view, car_free };

/* One pass over the file: the index, and the roots. */
static fvm_err build_index(car_store *store, const char *path, bool verify, fvm_store_why *why)
{
    fvm__file_source file = { store->fd, 0 };
    fvm_bytes memory = { store->map, (size_t)store->size };
    bool on_disk = store->fd >= 0;
    fvm__carstream cs;
    fvm__car_section section;
    FVM_TRY(fvm__carstream_open(&cs,
                                on_disk ? fvm__source_file(&file) : fvm__source_memory(&memory),
                                on_disk ? &file : NULL, store->size, path, store->alloc, why));
    fvm_err err;
    while ((err = fvm__carstream_next(&cs, &section, verify ? FVM__CAR_VERIFY : FVM__CAR_SKIP,
                                      why)) == FVM_OK) {
        entry e = { hash_cid(store, &section.cid), section.offset };
        err = fvm_buf_append(&store->index, (fvm_bytes){ (const uint8_t *)&e, sizeof e });
        if (err != FVM_OK) break;
    }
    if (err == FVM_ERR_NOT_FOUND) err = FVM_OK; /* the end */
    if (err == FVM_OK) err = fvm_buf_append(&store->roots, fvm_buf_bytes(&cs.roots));
    if (err == FVM_OK && store->index.len > 0)
        qsort(store->index.ptr, store->index.len / sizeof(entry), sizeof(entry), compare_entries);
    fvm__carstream_close(&cs);
    return err;
}

/* Failing to map is no harm: there are no views then. */
static void map_file(car_store *store)
{
    if (store->size == 0 || store->size > SIZE_MAX) return;
    void *map = mmap(NULL, (size_t)store->size, PROT_READ, MAP_SHARED, store->fd, 0);
    if (map != MAP_FAILED) store->map = map;
}

static car_store *new_store(const fvm_allocator *alloc)
{
    car_store *store = fvm_mem_zalloc(alloc, sizeof *store);
    if (!store) return NULL;
    store->alloc = alloc;
    store->fd = -1;
    fvm_buf_init(&store->roots, alloc);
    fvm_buf_init(&store->index, alloc);
    uint64_t keys[2] = { 0, 0 };
    (void)getrandom(keys, sizeof keys, 0); /* without it lookups may be slow, not wrong */
    store->k0 = keys[0];
    store->k1 = keys[1];
    return store;
}

fvm_err fvm__car_open(fvm_blockstore *out, const char *path, bool verify, bool map,
                      const fvm_allocator *alloc, fvm_store_why *why)
{
    car_store *store = new_store(alloc);
    if (!store) return fvm__why(why, FVM_ERR_NOMEM, "%s: out of memory", path);
    fvm_err err = fvm__open_file(&store->fd, &store->size, path, why);
    if (err == FVM_OK) err = build_index(store, path, verify, why);
    if (err != FVM_OK) {
        if (err == FVM_ERR_NOMEM) (void)fvm__why(why, err, "%s: out of memory", path);
        car_free(store);
        return err;
    }
    if (map) map_file(store);
    *out = (fvm_blockstore){ store->map ? &mapped_ops : &car_ops, store };
    return FVM_OK;
}

fvm_err fvm__car_open_memory(fvm_blockstore *out, fvm_bytes car, const char *name,
                             const fvm_allocator *alloc, fvm_store_why *why)
{
    car_store *store = new_store(alloc);
    if (!store) return fvm__why(why, FVM_ERR_NOMEM, "%s: out of memory", name);
    store->map = car.ptr;
    store->size = car.len;
    fvm_err err = build_index(store, name, false, why);
    if (err != FVM_OK) {
        car_free(store);
        return err;
    }
    *out = (fvm_blockstore){ &mapped_ops, store };
    return FVM_OK;
}

fvm_err fvm_blockstore_car_open(fvm_blockstore *out, const char *path, bool verify,
                                const fvm_allocator *alloc, fvm_store_why *why)
{
    return fvm__car_open(out, path, verify, false, alloc, why);
}

void fvm_blockstore_car_roots(const fvm_blockstore *bs, const fvm_cid **roots, size_t *count)
{
    const car_store *store = bs->self;
    *roots = (const fvm_cid *)(const void *)store->roots.ptr;
    *count = store->roots.len / sizeof(fvm_cid);
}

void fvm_blockstore_car_stats(const fvm_blockstore *bs, uint64_t *blocks, uint64_t *bytes)
{
    const car_store *store = bs->self;
    *blocks = store->index.len / sizeof(entry);
    *bytes = store->size;
}
