/* report.c - a run's report in words. */
#include "conformance.h"

#include <stdlib.h>

#define SHOWN 160 /* characters of a value */

/* Prints a value compactly; of a long one the part around `at`. */
static void print_part(FILE *out, const char *text, size_t at)
{
    size_t len = strlen(text), start = 0;
    if (len > SHOWN && at > SHOWN / 2) start = at - SHOWN / 2;
    if (start) fputs("...", out);
    fprintf(out, "%.*s", SHOWN, text + start);
    if (len - start > SHOWN) fprintf(out, "... (%zu characters)", len);
}

static char *dumped(const json_t *value)
{
    return json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

static void print_pair(FILE *out, const json_t *item)
{
    char *want = dumped(json_object_get(item, "expected")),
         *got = dumped(json_object_get(item, "got"));
    size_t at = 0;
    while (want && got && want[at] && want[at] == got[at]) at++;
    fputs("expected ", out);
    print_part(out, want ? want : "(out of memory)", at);
    fputs(", got ", out);
    print_part(out, got ? got : "(out of memory)", at);
    fputc('\n', out);
    free(want);
    free(got);
}

static void print_differences(FILE *out, const json_t *list, const char *indent)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i), *message = json_object_get(item, "message");
        fputs(indent, out);
        if (message) fprintf(out, "message %lld, ", (long long)json_integer_value(message));
        fprintf(out, "%s: ", json_string_value(json_object_get(item, "field")));
        print_pair(out, item);
    }
}

static void print_entries(FILE *out, const json_t *list, json_int_t first)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        fprintf(out, "      %6lld  ", (long long)first + (long long)i);
        fvm_json_print(out, json_array_get(list, i));
        fputc('\n', out);
    }
}

static void print_charge(FILE *out, const json_t *charge)
{
    const json_t *before = json_object_get(charge, "before");
    json_int_t index = json_integer_value(json_object_get(charge, "index"));
    fprintf(out, "  first difference from the trace: message %lld, entry %lld\n",
            (long long)json_integer_value(json_object_get(charge, "message")), (long long)index);
    print_entries(out, before, index - (json_int_t)json_array_size(before));
    fprintf(out, "    - %6lld  ", (long long)index);
    fvm_json_print(out, json_object_get(charge, "expected"));
    fprintf(out, "   expected\n    + %6lld  ", (long long)index);
    fvm_json_print(out, json_object_get(charge, "got"));
    fputs("   got\n", out);
    print_entries(out, json_object_get(charge, "after"), index + 1);
}

void fvm_report_print(FILE *out, const json_t *report, bool verbose)
{
    const char *result = json_string_value(json_object_get(report, "result"));
    const char *variant = json_string_value(json_object_get(report, "variant"));
    const char *reason = json_string_value(json_object_get(report, "reason"));
    const char *problem;
    const json_t *charge = json_object_get(report, "charge");
    const json_t *actor = json_object_get(report, "actor");
    if (strcmp(result, "passed") == 0 && !verbose) return;
    fprintf(out, "%s %s", result, json_string_value(json_object_get(report, "file")));
    if (variant) fprintf(out, " (%s)", variant);
    if (reason) fprintf(out, ": %s", reason);
    fputc('\n', out);
    print_differences(out, json_object_get(report, "differences"), "  ");
    if (charge) print_charge(out, charge);
    if (actor) {
        const json_t *id = json_object_get(actor, "id");
        fputs("  first differing actor: f0", out);
        fvm_json_print(out, id);
        fprintf(out, " (and %lld more)\n",
                (long long)json_integer_value(json_object_get(actor, "others")));
        print_differences(out, json_object_get(actor, "differences"), "    ");
    }
    if ((problem = json_string_value(json_object_get(report, "trace_problem"))) != NULL)
        fprintf(out, "  trace not compared: %s\n", problem);
    if ((problem = json_string_value(json_object_get(report, "actor_problem"))) != NULL)
        fprintf(out, "  states not compared: %s\n", problem);
}
