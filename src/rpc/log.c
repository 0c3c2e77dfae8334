/* log.c - lines of the node's log; see log.h. */
#include "log.h"

#include "json_out.h"

#include <inttypes.h>
#include <pthread.h>
#include <time.h>

struct fvm_node_log {
    FILE *out;
    bool json;
    fvm_log_level level;
    const fvm_allocator *alloc;
    pthread_mutex_t mutex;
};

fvm_node_log *fvm_log_new(FILE *out, bool json, fvm_log_level level, const fvm_allocator *alloc)
{
    fvm_node_log *log = fvm_mem_zalloc(alloc, sizeof *log);
    if (!log) return NULL;
    log->out = out;
    log->json = json;
    log->level = level;
    log->alloc = alloc;
    pthread_mutex_init(&log->mutex, NULL);
    return log;
}

void fvm_log_free(fvm_node_log *log)
{
    if (!log) return;
    pthread_mutex_destroy(&log->mutex);
    fvm_mem_free(log->alloc, log, sizeof *log);
}

bool fvm_log_on(const fvm_node_log *log, fvm_log_level level)
{
    return log && level <= log->level;
}

static size_t time_text(char out[40], const char *format, bool millis)
{
    struct timespec t;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &t);
    (void)gmtime_r(&t.tv_sec, &parts);
    size_t n = strftime(out, 32, format, &parts);
    if (millis)
        n += (size_t)snprintf(out + n, 8, ".%03uZ", (unsigned)(t.tv_nsec / 1000000) % 1000u);
    return n;
}

static void write_json(fvm_node_log *log, fvm_log_level level, const char *event,
                       const fvm_log_field *fields, size_t count)
{
    static const char *const names[] = { "error", "info", "debug" };
    fvm_jo o;
    char when[40];
    (void)time_text(when, "%Y-%m-%dT%H:%M:%S", true);
    fvm_jo_init(&o, log->alloc);
    fvm_jo_begin(&o, '{');
    fvm_jo_k_str(&o, "time", when);
    fvm_jo_k_str(&o, "level", names[level]);
    fvm_jo_k_str(&o, "event", event);
    for (size_t i = 0; i < count; i++) {
        fvm_jo_key(&o, fields[i].name);
        if (fields[i].text.ptr)
            fvm_jo_text(&o, fields[i].text);
        else
            fvm_jo_u64(&o, fields[i].number);
    }
    fvm_jo_end(&o, '}');
    if (fvm_jo_ok(&o)) (void)fprintf(log->out, "%.*s\n", (int)o.buf.len, (const char *)o.buf.ptr);
    fvm_jo_deinit(&o);
}

/* As it is, but for control characters, of which terminals and readers of the log would make something else:
 * fields hold what callers sent. Contracts may break lines. */
static void write_field(FILE *out, fvm_bytes text, bool lines)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if ((c >= ' ' && c != 0x7f) || (lines && (c == '\n' || c == '\t')))
            (void)fputc(c, out);
        else
            (void)fprintf(out, "\\x%02x", c);
    }
}

static void write_text(const fvm_node_log *log, const char *event, const fvm_log_field *fields,
                       size_t count)
{
    char when[40];
    bool lines = strcmp(event, "console.log") == 0;
    (void)time_text(when, "%H:%M:%S", false);
    (void)fprintf(log->out, "%s %s", when, event);
    for (size_t i = 0; i < count; i++) {
        if (!fields[i].text.ptr) {
            (void)fprintf(log->out, " %s=%" PRIu64, fields[i].name, fields[i].number);
            continue;
        }
        (void)fprintf(log->out, " %s=", fields[i].name);
        write_field(log->out, fields[i].text, lines);
    }
    (void)fputc('\n', log->out);
}

void fvm_log_write(fvm_node_log *log, fvm_log_level level, const char *event,
                   const fvm_log_field *fields, size_t count)
{
    if (!fvm_log_on(log, level)) return;
    pthread_mutex_lock(&log->mutex);
    if (log->json)
        write_json(log, level, event, fields, count);
    else
        write_text(log, event, fields, count);
    (void)fflush(log->out);
    pthread_mutex_unlock(&log->mutex);
}
