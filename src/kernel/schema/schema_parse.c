/* schema_parse.c - the notation of builtin.schema, by recursive descent of bounded depth. */
#include "schema_internal.h"

#include "base/vector.h"

typedef struct parser {
    fvm_schema *schema;
    fvm_bytes rest;
    fvm_bytes token; /* a word or one sign; empty at the end */
    size_t line;
    fvm_bytes actor;
} parser;

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '$';
}

static void skip(parser *p, size_t n)
{
    p->rest.ptr += n;
    p->rest.len -= n;
}

static void skip_blank(parser *p)
{
    while (p->rest.len) {
        uint8_t c = p->rest.ptr[0];
        if (c == '#') {
            const uint8_t *end = memchr(p->rest.ptr, '\n', p->rest.len);
            skip(p, end ? (size_t)(end - p->rest.ptr) : p->rest.len);
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            p->line += c == '\n';
            skip(p, 1);
        } else {
            return;
        }
    }
}

/* "->" is one sign, and "-" alone a word, as it holds the place of a type. */
static void next(parser *p)
{
    size_t n = 0;
    skip_blank(p);
    p->token = (fvm_bytes){ p->rest.ptr, 0 };
    if (p->rest.len == 0) return;
    if (p->rest.len >= 2 && memcmp(p->rest.ptr, "->", 2) == 0)
        n = 2;
    else
        while (n < p->rest.len && is_word(p->rest.ptr[n])) n++;
    if (n == 0) n = 1;
    p->token.len = n;
    skip(p, n);
}

static bool at(const parser *p, const char *text)
{
    return fvm_bytes_eq(p->token, fvm_bytes_of(text));
}

static bool take(parser *p, const char *text)
{
    if (!at(p, text)) return false;
    next(p);
    return true;
}

static fvm_err expect(parser *p, const char *text)
{
    return take(p, text) ? FVM_OK : FVM_ERR_MALFORMED;
}

static fvm_err take_word(parser *p, fvm_bytes *out)
{
    if (p->token.len == 0 || !is_word(p->token.ptr[0])) return FVM_ERR_MALFORMED;
    *out = p->token;
    next(p);
    return FVM_OK;
}

static fvm_err take_number(parser *p, uint64_t *out)
{
    fvm_bytes word;
    uint64_t v = 0;
    FVM_TRY(take_word(p, &word));
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.ptr[i];
        if (c < '0' || c > '9' || !fvm_mul_u64(&v, v, 10) || !fvm_add_u64(&v, v, c - '0'))
            return FVM_ERR_MALFORMED;
    }
    *out = v;
    return FVM_OK;
}

/* --- types --- */

static fvm_err add_node(parser *p, uint32_t *out, fvm__schema_node node)
{
    fvm_schema *s = p->schema;
    if (node.depth > FVM__SCHEMA_DEPTH_MAX) return FVM_ERR_DEPTH;
    FVM_TRY(fvm_vector_grow(s->alloc, &s->nodes, &s->node_cap, (uint64_t)s->node_count + 1,
                            sizeof *s->nodes, 256, 1u << 20));
    *out = s->node_count;
    s->nodes[s->node_count++] = node;
    return FVM_OK;
}

static uint8_t deeper(const parser *p, uint32_t node)
{
    return (uint8_t)(p->schema->nodes[node].depth + 1); /* at most the limit + 1 */
}

static fvm_err parse_type(parser *p, uint32_t *out, unsigned level);

/* { name: T, ... } and ( T | T ...): parts are gathered here first, as theirs come between. */
static fvm_err parse_parts(parser *p, uint32_t *out, fvm__schema_kind kind, unsigned level)
{
    fvm__schema_field parts[32];
    uint32_t count = 0;
    uint8_t depth = 1;
    bool tuple = kind == FVM__SCHEMA_TUPLE;
    fvm_schema *s = p->schema;
    do {
        if (count == FVM_COUNT(parts)) return FVM_ERR_LIMIT;
        fvm__schema_field *part = &parts[count++];
        part->name = (fvm_bytes){ NULL, 0 };
        if (tuple) {
            FVM_TRY(take_word(p, &part->name));
            FVM_TRY(expect(p, ":"));
        }
        FVM_TRY(parse_type(p, &part->node, level));
        if (deeper(p, part->node) > depth) depth = deeper(p, part->node);
    } while (take(p, tuple ? "," : "|"));
    FVM_TRY(expect(p, tuple ? "}" : ")"));
    FVM_TRY(fvm_vector_grow(s->alloc, &s->fields, &s->field_cap, (uint64_t)s->field_count + count,
                            sizeof *s->fields, 256, 1u << 20));
    memcpy(&s->fields[s->field_count], parts, count * sizeof *parts);
    s->field_count += count;
    return add_node(p, out,
                    (fvm__schema_node){ .kind = (uint8_t)kind,
                                        .depth = depth,
                                        .first = s->field_count - count,
                                        .count = count });
}

static const struct {
    const char *name;
    uint8_t kind;
} words[] = {
    { "addr", FVM__SCHEMA_ADDR }, { "tok", FVM__SCHEMA_BIG },     { "big", FVM__SCHEMA_BIG },
    { "cid", FVM__SCHEMA_CID },   { "bytes", FVM__SCHEMA_BYTES }, { "text", FVM__SCHEMA_TEXT },
    { "bool", FVM__SCHEMA_BOOL }, { "bf", FVM__SCHEMA_BITFIELD }, { "u64", FVM__SCHEMA_U64 },
    { "i64", FVM__SCHEMA_I64 },   { "u256", FVM__SCHEMA_U256 },   { "null", FVM__SCHEMA_NULL },
    { "any", FVM__SCHEMA_ANY },
};

static int word_kind(fvm_bytes word)
{
    for (size_t i = 0; i < FVM_COUNT(words); i++)
        if (fvm_bytes_eq(word, fvm_bytes_of(words[i].name))) return words[i].kind;
    return -1;
}

/* What stands before and after the one type inside. */
static fvm_err parse_around(parser *p, uint32_t *out, fvm__schema_node node, const char *end,
                            unsigned level)
{
    FVM_TRY(parse_type(p, &node.first, level));
    if (end) FVM_TRY(expect(p, end));
    node.depth = deeper(p, node.first);
    return add_node(p, out, node);
}

static fvm_err parse_hamt(parser *p, uint32_t *out, unsigned level)
{
    uint64_t bits;
    fvm_bytes word;
    FVM_TRY(expect(p, "("));
    FVM_TRY(take_number(p, &bits));
    FVM_TRY(expect(p, ","));
    FVM_TRY(take_word(p, &word));
    FVM_TRY(expect(p, ","));
    int key = word_kind(word);
    bool known = key == FVM__SCHEMA_ADDR || key == FVM__SCHEMA_U64 || key == FVM__SCHEMA_I64 ||
                 key == FVM__SCHEMA_CID || key == FVM__SCHEMA_BYTES;
    if (bits < 1 || bits > 8 || !known) return FVM_ERR_MALFORMED;
    return parse_around(
        p, out,
        (fvm__schema_node){ .kind = FVM__SCHEMA_HAMT, .bits = (uint8_t)bits, .key = (uint8_t)key },
        ")", level);
}

static fvm_err parse_name(parser *p, uint32_t *out, unsigned level)
{
    fvm_bytes word;
    FVM_TRY(take_word(p, &word));
    int kind = word_kind(word);
    if (kind >= 0) return add_node(p, out, (fvm__schema_node){ .kind = (uint8_t)kind, .depth = 1 });
    if (fvm_bytes_eq(word, FVM_STR("hamt"))) return parse_hamt(p, out, level);
    bool amt = fvm_bytes_eq(word, FVM_STR("amt"));
    if (amt || fvm_bytes_eq(word, FVM_STR("kamt"))) {
        FVM_TRY(expect(p, "("));
        fvm__schema_node node = { .kind = amt ? FVM__SCHEMA_AMT : FVM__SCHEMA_KAMT,
                                  .bits = 5,
                                  .key = FVM__SCHEMA_BYTES };
        return parse_around(p, out, node, ")", level);
    }
    for (uint32_t i = 0; i < p->schema->row_count; i++) {
        const fvm__schema_row *row = &p->schema->rows[i];
        if (row->what != FVM__ROW_TYPE || !fvm_bytes_eq(row->name, word)) continue;
        *out = row->node;
        return FVM_OK;
    }
    return FVM_ERR_NOT_FOUND;
}

static fvm_err parse_type(parser *p, uint32_t *out, unsigned level)
{
    if (level == 0) return FVM_ERR_DEPTH;
    fvm__schema_node link = { .kind = FVM__SCHEMA_LINK }, list = { .kind = FVM__SCHEMA_LIST };
    if (take(p, "&")) return parse_around(p, out, link, NULL, level - 1);
    if (take(p, "["))
        FVM_TRY(parse_around(p, out, list, "]", level - 1));
    else if (take(p, "{"))
        FVM_TRY(parse_parts(p, out, FVM__SCHEMA_TUPLE, level - 1));
    else if (take(p, "("))
        FVM_TRY(parse_parts(p, out, FVM__SCHEMA_CHOICE, level - 1));
    else
        FVM_TRY(parse_name(p, out, level - 1));
    if (!take(p, "?")) return FVM_OK;
    fvm__schema_node optional = { .kind = FVM__SCHEMA_OPTIONAL, .first = *out };
    optional.depth = deeper(p, *out);
    return add_node(p, out, optional);
}

/* --- rows --- */

static fvm_err parse_block(parser *p, uint32_t *out)
{
    *out = FVM__SCHEMA_NONE;
    return take(p, "-") ? FVM_OK : parse_type(p, out, FVM__SCHEMA_DEPTH_MAX);
}

static fvm_err parse_row(parser *p)
{
    fvm_schema *s = p->schema;
    fvm__schema_row row = { .actor = p->actor };
    bool in_actor = p->actor.len > 0;
    if (take(p, "type")) {
        row.what = FVM__ROW_TYPE;
        FVM_TRY(take_word(p, &row.name));
        FVM_TRY(expect(p, "="));
        FVM_TRY(parse_type(p, &row.node, FVM__SCHEMA_DEPTH_MAX));
    } else if (take(p, "actor")) {
        row.what = FVM__ROW_ACTOR;
        FVM_TRY(take_word(p, &row.name));
        row.actor = p->actor = row.name;
    } else if (in_actor && take(p, "state")) {
        row.what = FVM__ROW_STATE;
        FVM_TRY(parse_type(p, &row.node, FVM__SCHEMA_DEPTH_MAX));
    } else if (in_actor && take(p, "method")) {
        row.what = FVM__ROW_METHOD;
        FVM_TRY(take_number(p, &row.method));
        FVM_TRY(take_word(p, &row.name));
        FVM_TRY(parse_block(p, &row.node));
        FVM_TRY(expect(p, "->"));
        FVM_TRY(parse_block(p, &row.result));
    } else if (in_actor && take(p, "event")) {
        row.what = FVM__ROW_EVENT;
        FVM_TRY(take_word(p, &row.name));
        FVM_TRY(parse_type(p, &row.node, FVM__SCHEMA_DEPTH_MAX));
        if (s->nodes[row.node].kind != FVM__SCHEMA_TUPLE) return FVM_ERR_MALFORMED;
    } else {
        return FVM_ERR_MALFORMED;
    }
    FVM_TRY(fvm_vector_grow(s->alloc, &s->rows, &s->row_cap, (uint64_t)s->row_count + 1,
                            sizeof *s->rows, 256, 1u << 20));
    s->rows[s->row_count++] = row;
    return FVM_OK;
}

fvm_err fvm_schema_parse(fvm_schema **out, fvm_bytes text, size_t *line, const fvm_allocator *alloc)
{
    fvm_schema *schema = fvm_mem_zalloc(alloc, sizeof *schema);
    if (!schema) return FVM_ERR_NOMEM;
    schema->alloc = alloc;
    fvm_buf_init(&schema->text, alloc);
    fvm_err err = fvm_buf_append(&schema->text, text);
    parser p = { .schema = schema, .rest = fvm_buf_bytes(&schema->text), .line = 1 };
    if (err == FVM_OK) next(&p);
    while (err == FVM_OK && p.token.len) err = parse_row(&p);
    if (line) *line = p.line;
    if (err != FVM_OK) {
        fvm_schema_free(schema);
        return err;
    }
    *out = schema;
    return FVM_OK;
}

fvm_err fvm_schema_builtin(fvm_schema **out, const fvm_allocator *alloc)
{
    extern const uint8_t fvm__builtin_schema[];
    extern const size_t fvm__builtin_schema_len;
    return fvm_schema_parse(out, (fvm_bytes){ fvm__builtin_schema, fvm__builtin_schema_len }, NULL,
                            alloc);
}

void fvm_schema_free(fvm_schema *s)
{
    if (!s) return;
    fvm_mem_free(s->alloc, s->nodes, s->node_cap * sizeof *s->nodes);
    fvm_mem_free(s->alloc, s->fields, s->field_cap * sizeof *s->fields);
    fvm_mem_free(s->alloc, s->rows, s->row_cap * sizeof *s->rows);
    fvm_buf_deinit(&s->text);
    fvm_mem_free(s->alloc, s, sizeof *s);
}

fvm_bytes fvm_schema_method(const fvm_schema *s, fvm_bytes actor, uint64_t method)
{
    for (uint32_t i = 0; i < s->row_count; i++)
        if (s->rows[i].what == FVM__ROW_METHOD && s->rows[i].method == method &&
            fvm_bytes_eq(s->rows[i].actor, actor))
            return s->rows[i].name;
    return (fvm_bytes){ NULL, 0 };
}

void fvm_schema_each_method(const fvm_schema *s,
                            void (*visit)(void *ctx, fvm_bytes actor, uint64_t method,
                                          fvm_bytes name),
                            void *ctx)
{
    for (uint32_t i = 0; i < s->row_count; i++)
        if (s->rows[i].what == FVM__ROW_METHOD)
            visit(ctx, s->rows[i].actor, s->rows[i].method, s->rows[i].name);
}
