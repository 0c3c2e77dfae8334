/* profile_out.c - a profile as flame graph, as folded stacks, as JSON. */
#include "profile.h"

#include "wasm/reader.h"

#include <inttypes.h>

static const char *const kinds[] = {
    [FVM_FRAME_ALL] = "all",         [FVM_FRAME_MESSAGE] = "message",
    [FVM_FRAME_ACTOR] = "actor",     [FVM_FRAME_FUNCTION] = "function",
    [FVM_FRAME_SYSCALL] = "syscall", [FVM_FRAME_CHARGE] = "charge",
    [FVM_FRAME_REST] = "rest",
};

/* --- SVG ----------------------------------------------------------------------------------------
 * A row for each depth, the whole on top. A frame is as wide as its total; what is below a tenth of a
 * pixel is left out. Frames whose total is negative (nv17's refunds) have no width. */

#define WIDTH 1200.0
#define MARGIN 10.0
#define ROW 18.0
#define HEAD 50.0
#define LETTER 6.6 /* width of one, at 11 pixels */
#define WIDTH_MIN 0.1

/* A character of UTF-8 at `text`: its bytes; 1 for anything that XML has no place for. */
static size_t character(const char *text, bool *bad)
{
    unsigned char c = (unsigned char)text[0];
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    *bad = c < 0x20 || c == 0x7f || strnlen(text, n) < n ||
           !fvm__utf8_valid((fvm_bytes){ (const uint8_t *)text, n });
    if (n == 3 && !*bad && memcmp(text, "\xef\xbf", 2) == 0 && (unsigned char)text[2] >= 0xbe)
        *bad = true; /* U+FFFE, U+FFFF */
    return *bad ? 1 : n;
}

/* Text with at most `most` characters, the last two of them dots if it has more. */
static void put_text(FILE *out, const char *text, size_t most)
{
    size_t characters = 0;
    bool bad;
    for (const char *c = text; *c; c += character(c, &bad)) characters++;
    size_t shown = characters <= most ? characters : most - 2;
    for (size_t i = 0; i < shown; i++) {
        size_t n = character(text, &bad);
        if (bad)
            fputc('?', out);
        else if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '"')
            fputs("&quot;", out);
        else
            fwrite(text, 1, n, out);
        text += n;
    }
    if (shown < characters) fputs("..", out);
}

/* Warm for wasm, blue for the system, grey for what is around them; shades tell neighbours apart. */
static void put_colour(FILE *out, const fvm_frame *f, const char *label)
{
    static const uint8_t base[][3] = {
        [FVM_FRAME_ALL] = { 214, 214, 214 },     [FVM_FRAME_MESSAGE] = { 200, 206, 214 },
        [FVM_FRAME_ACTOR] = { 176, 205, 150 },   [FVM_FRAME_FUNCTION] = { 250, 178, 96 },
        [FVM_FRAME_SYSCALL] = { 133, 182, 226 }, [FVM_FRAME_CHARGE] = { 186, 212, 238 },
        [FVM_FRAME_REST] = { 232, 160, 160 },
    };
    unsigned shade = (unsigned)(fvm_siphash(1, 2, fvm_bytes_of(label)) % 24);
    const uint8_t *c = base[f->kind];
    fprintf(out, "#%02x%02x%02x", c[0] - shade, c[1] - shade, c[2] - shade);
}

/* Milligas as gas, with its fraction if there is one. */
static void put_gas(FILE *out, int64_t milligas)
{
    uint64_t size = milligas < 0 ? 0 - (uint64_t)milligas : (uint64_t)milligas;
    fprintf(out, "%s%" PRIu64, milligas < 0 ? "-" : "", size / 1000);
    if (size % 1000) fprintf(out, ".%03u", (unsigned)(size % 1000));
}

static void put_frame(FILE *out, const fvm_profile *p, const fvm_frame *f, double x, double width)
{
    const char *label = fvm_profile_label(p, f);
    double y = HEAD + ROW * f->depth, all = (double)p->frames[0].total;
    size_t fits = width > 4 + LETTER ? (size_t)((width - 4) / LETTER) : 0;
    fprintf(out, "<g><title>");
    put_text(out, label, SIZE_MAX);
    fputs("\n", out);
    put_gas(out, f->total);
    fprintf(out, " gas, %.2f %% of all", all > 0 ? 100 * (double)f->total / all : 0.0);
    if (f->self != f->total) {
        fputs("; its own: ", out);
        put_gas(out, f->self);
    }
    fprintf(out,
            "; %s, %" PRIu64
            " times</title><rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%.0f\" fill=\"",
            kinds[f->kind], f->count, x, y, width, ROW - 1);
    put_colour(out, f, label);
    fputs("\"/>", out);
    if (fits >= 3) {
        fprintf(out, "<text x=\"%.1f\" y=\"%.0f\">", x + 3, y + ROW - 6);
        put_text(out, label, fits);
        fputs("</text>", out);
    }
    fputs("</g>\n", out);
}

bool fvm_profile_svg(FILE *out, const fvm_profile *p, const char *title)
{
    uint32_t deepest = 0;
    double *places = fvm_mem_alloc(NULL, p->count * 2 * sizeof *places); /* begin, next child */
    if (!places) return false;
    double all = 0; /* nv17: refunds make the whole less than what it is made of */
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->frames[i].depth > deepest) deepest = p->frames[i].depth;
        if (p->frames[i].self > 0) all += (double)p->frames[i].self;
    }
    double scale = all > 0 ? (WIDTH - 2 * MARGIN) / all : 0;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\" font-family=\"monospace\" font-size=\"11\">\n"
            "<style>rect{stroke:#fff;stroke-width:.5}g:hover rect{stroke:#000}"
            "text{pointer-events:none}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fafafa\"/>\n<text x=\"%.0f\" y=\"22\" "
            "font-size=\"15\">",
            WIDTH, HEAD + ROW * (deepest + 1) + MARGIN, WIDTH, HEAD + ROW * (deepest + 1) + MARGIN,
            MARGIN);
    put_text(out, title, 120);
    fprintf(out, "</text>\n<text x=\"%.0f\" y=\"40\">", MARGIN);
    put_gas(out, p->frames[0].total);
    fputs(" gas. Point at a frame to see its share.</text>\n", out);
    for (uint32_t i = 0; i < p->count; i++) {
        const fvm_frame *f = &p->frames[i];
        double *next = &places[2 * f->parent + 1];
        double width = f->total > 0 ? (double)f->total * scale : 0;
        double x = i ? *next : MARGIN;
        places[2 * i] = places[2 * i + 1] = x;
        if (i) *next += width;
        if (width >= WIDTH_MIN) put_frame(out, p, f, x, width);
    }
    fputs("</svg>\n", out);
    fvm_mem_free(NULL, places, p->count * 2 * sizeof *places);
    return true;
}

/* --- folded stacks ---------------------------------------------------------------------------- */

/* ";" and line ends mean something in this format. */
static void put_folded_label(FILE *out, const char *label)
{
    for (; *label; label++)
        fputc(*label == ';' ? ':' : (unsigned char)*label < ' ' ? ' ' : *label, out);
}

bool fvm_profile_folded(FILE *out, const fvm_profile *p)
{
    size_t cap = FVM_PROFILE_DEPTH_MAX + 2;
    uint32_t *path = fvm_mem_alloc(NULL, cap * sizeof *path);
    if (!path) return false;
    for (uint32_t i = 0; i < p->count; i++) {
        size_t n = 0;
        if (p->frames[i].self <= 0) continue;
        for (uint32_t at = i; at; at = p->frames[at].parent) path[n++] = at;
        if (n == 0) path[n++] = 0;
        while (n-- > 0) {
            put_folded_label(out, fvm_profile_label(p, &p->frames[path[n]]));
            if (n) fputc(';', out);
        }
        fprintf(out, " %" PRId64 "\n", p->frames[i].self);
    }
    fvm_mem_free(NULL, path, cap * sizeof *path);
    return true;
}

/* --- JSON ------------------------------------------------------------------------------------- */

bool fvm_profile_json(FILE *out, const fvm_profile *p)
{
    fprintf(out, "{\"unit\":\"milligas\",\"total\":%" PRId64 ",\"frames\":[", p->frames[0].total);
    for (uint32_t i = 0; i < p->count; i++) {
        const fvm_frame *f = &p->frames[i];
        json_t *label = fvm_json_from_bytes(fvm_bytes_of(fvm_profile_label(p, f)));
        if (!label) return false;
        fprintf(out, "%s\n{\"frame\":%" PRIu32 ",\"parent\":", i ? "," : "", i);
        if (i)
            fprintf(out, "%" PRIu32, f->parent);
        else
            fputs("null", out);
        fprintf(out, ",\"kind\":\"%s\",\"label\":", kinds[f->kind]);
        fvm_json_print(out, label);
        fprintf(out, ",\"self\":%" PRId64 ",\"total\":%" PRId64 ",\"count\":%" PRIu64 "}", f->self,
                f->total, f->count);
        json_decref(label);
    }
    fputs("\n]}\n", out);
    return true;
}
