/* cmd_completion.c - `fvm completion`: scripts for shells, and the words that may come next.
 *
 * The words are taken out of the help texts themselves, which this asks the program for: so what a shell offers
 * is what --help says, and a new option is offered with nothing more to do. In a help text
 *
 *   Usage: fvm CMD word ...        lines that name the commands of a command
 *     word      what it does       lines that begin with two spaces and one of these words, or with
 *     -x, --option VALUE  what     an option */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char help[] =
    "Usage: fvm completion bash|zsh|fish\n"
    "       fvm completion list [WORD]...\n\n"
    "Prints a script that lets a shell complete the words of fvm. 'make install' puts them where\n"
    "shells look; otherwise:\n\n"
    "  bash  eval \"$(fvm completion bash)\"  in ~/.bashrc\n"
    "  zsh   eval \"$(fvm completion zsh)\"   in ~/.zshrc, after compinit\n"
    "  fish  fvm completion fish | source   in ~/.config/fish/config.fish\n"
    "  list  prints what may follow the words of a command, and what it means, with a tab between\n"
    "        them\n\n"
    "  --help  this text\n\n"
    "Example: fvm completion list wallet\n\n" FVM_CLI_EXIT_HELP;

static const char bash_script[] =
    "_fvm() {\n"
    "    local words\n"
    "    words=$(fvm completion list \"${COMP_WORDS[@]:1:COMP_CWORD-1}\" 2>/dev/null | cut -f1)\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
    "}\n"
    "complete -o default -F _fvm fvm\n";

static const char zsh_script[] =
    "#compdef fvm\n"
    "_fvm() {\n"
    "    local line\n"
    "    local -a items\n"
    "    for line in \"${(@f)$(fvm completion list \"${(@)words[2,CURRENT-1]}\" 2>/dev/null)}\"; "
    "do\n"
    "        [[ -n $line ]] && items+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "    done\n"
    "    _describe -t words fvm items\n"
    "    [[ $words[CURRENT] == -* ]] || _files\n"
    "}\n"
    "if [[ ${funcstack[1]:-} == _fvm ]]; then _fvm \"$@\"; else compdef _fvm fvm; fi\n";

static const char fish_script[] = "function __fvm_list\n"
                                  "    set -l words (commandline -opc)\n"
                                  "    fvm completion list $words[2..] 2>/dev/null\n"
                                  "end\n"
                                  "complete -c fvm -a '(__fvm_list)'\n";

/* --- asking the program --- */

#define HELP_MAX ((size_t)64 << 10)

/* In the child: becomes this program with the words and --help. */
_Noreturn static void become_help(int out, const char *const words[2], size_t count)
{
    char *argv[5] = { (char *)(uintptr_t)"fvm" };
    for (size_t i = 0; i < count; i++) argv[1 + i] = (char *)(uintptr_t)words[i];
    argv[1 + count] = (char *)(uintptr_t)"--help";
    int nothing = open("/dev/null", O_RDWR);
    if (nothing >= 0 && dup2(nothing, 0) >= 0 && dup2(nothing, 2) >= 0 && dup2(out, 1) >= 0)
        (void)execv("/proc/self/exe", argv);
    _exit(127);
}

/* Appends the help text of a command; nothing if there is none. */
static fvm_err ask_help(fvm_buf *text, const char *const words[2], size_t count)
{
    int ends[2], status = 0;
    fvm_err err = FVM_OK;
    if (pipe2(ends, O_CLOEXEC) != 0) return FVM_ERR_IO;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) become_help(ends[1], words, count);
    (void)close(ends[1]);
    while (child > 0 && err == FVM_OK && text->len < HELP_MAX) {
        if ((err = fvm_buf_reserve(text, 4096)) != FVM_OK) break;
        ssize_t n = read(ends[0], text->ptr + text->len, 4096);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        text->len += (size_t)n;
    }
    (void)close(ends[0]);
    if (child < 0) return FVM_ERR_IO;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) text->len = 0;
    return err;
}

/* --- reading a help text --- */

static bool next_line(fvm_bytes *line, fvm_bytes *text)
{
    if (text->len == 0) return false;
    const uint8_t *end = memchr(text->ptr, '\n', text->len);
    line->ptr = text->ptr;
    line->len = end ? (size_t)(end - text->ptr) : text->len;
    size_t used = line->len + (end != NULL);
    text->ptr += used;
    text->len -= used;
    return true;
}

static bool take_prefix(fvm_bytes *in, fvm_bytes prefix)
{
    if (in->len < prefix.len || memcmp(in->ptr, prefix.ptr, prefix.len) != 0) return false;
    in->ptr += prefix.len;
    in->len -= prefix.len;
    return true;
}

static fvm_bytes take_word(fvm_bytes *in)
{
    fvm_bytes word = { in->ptr, 0 };
    while (word.len < in->len && in->ptr[word.len] > ' ') word.len++;
    in->ptr += word.len;
    in->len -= word.len;
    while (in->len && in->ptr[0] == ' ') in->ptr++, in->len--;
    return word;
}

static bool is_command_word(fvm_bytes word)
{
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.ptr[i];
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9' || i == 0) && (c != '-' || i == 0))
            return false;
    }
    return word.len != 0;
}

typedef struct page {
    fvm_bytes text;
    const char *const *words; /* of the command that it is about */
    size_t count;
} page;

/* The command that a usage line names behind the page's own; len 0: none. */
static fvm_bytes usage_word(const page *p, fvm_bytes line)
{
    static const fvm_bytes none = { NULL, 0 };
    if (!take_prefix(&line, FVM_STR("Usage: fvm ")) && !take_prefix(&line, FVM_STR("       fvm ")))
        return none;
    for (size_t i = 0; i < p->count; i++)
        if (!fvm_bytes_eq(take_word(&line), fvm_bytes_of(p->words[i]))) return none;
    fvm_bytes word = take_word(&line);
    return is_command_word(word) ? word : none;
}

/* Whether the page has a command of that name, by its usage or its list of commands. */
static bool is_command(const page *p, fvm_bytes word)
{
    fvm_bytes text = p->text, line;
    bool in_list = false;
    while (next_line(&line, &text)) {
        if (fvm_bytes_eq(usage_word(p, line), word)) return true;
        if (line.len == 0) in_list = false;
        if (in_list && take_prefix(&line, FVM_STR("  ")) && fvm_bytes_eq(take_word(&line), word))
            return true;
        if (fvm_bytes_eq(line, FVM_STR("Commands:"))) in_list = true;
    }
    return false;
}

static void print_item(fvm_bytes word, fvm_bytes what)
{
    printf("%.*s\t%.*s\n", (int)word.len, (const char *)word.ptr, (int)what.len,
           (const char *)what.ptr);
}

/* "-o, --output FILE  what": the name, and what stands behind two spaces. */
static void print_option(fvm_bytes line)
{
    fvm_bytes word = take_word(&line), what = { NULL, 0 };
    if (word.len && word.ptr[word.len - 1] == ',') word = take_word(&line);
    for (size_t i = 0; i + 2 < line.len && !what.ptr; i++)
        if (line.ptr[i] == ' ' && line.ptr[i + 1] == ' ')
            what = (fvm_bytes){ line.ptr + i, line.len - i };
    if (!what.ptr && line.len && line.ptr[0] >= 'a' && line.ptr[0] <= 'z') what = line;
    while (what.len && what.ptr[0] == ' ') what.ptr++, what.len--;
    print_item(word, what);
}

/* What an item line says of `word`; empty if there is none. */
static fvm_bytes description(const page *p, fvm_bytes word)
{
    fvm_bytes text = p->text, line;
    while (next_line(&line, &text))
        if (take_prefix(&line, FVM_STR("  ")) && fvm_bytes_eq(take_word(&line), word)) return line;
    return (fvm_bytes){ NULL, 0 };
}

static void print_commands(const page *p)
{
    fvm_bytes text = p->text, line;
    bool in_list = false;
    fvm_bytes before = { NULL, 0 };
    while (next_line(&line, &text)) {
        fvm_bytes word = usage_word(p, line);
        if (word.len && !fvm_bytes_eq(word, before)) print_item(word, description(p, word));
        if (word.len) before = word;
        if (line.len == 0) in_list = false;
        if (in_list && take_prefix(&line, FVM_STR("  "))) {
            word = take_word(&line);
            print_item(word, line);
        }
        if (fvm_bytes_eq(line, FVM_STR("Commands:"))) in_list = true;
    }
}

static void print_options(const page *p)
{
    fvm_bytes text = p->text, line;
    while (next_line(&line, &text))
        if (line.len > 3 && memcmp(line.ptr, "  -", 3) == 0) {
            (void)take_prefix(&line, FVM_STR("  "));
            print_option(line);
        }
}

/* --- the command --- */

/* The page of the longest front of the words that are commands. `nested`: the last one was looked at. */
static fvm_err find_page(page *p, fvm_buf *text, const char **known, char **words, size_t count)
{
    *p = (page){ .words = known };
    FVM_TRY(ask_help(text, known, 0));
    p->text = fvm_buf_bytes(text);
    for (size_t i = 0; i < count && i < 2; i++) {
        fvm_buf below;
        if (!is_command(p, fvm_bytes_of(words[i]))) break;
        known[i] = words[i];
        fvm_buf_init(&below, NULL);
        fvm_err err = ask_help(&below, known, i + 1);
        /* commands such as `fvm wallet new` share a text, in which they are no command further down */
        bool own = err == FVM_OK && below.len && !fvm_bytes_eq(fvm_buf_bytes(&below), p->text);
        if (own) {
            fvm_buf_deinit(text);
            *text = below;
            p->text = fvm_buf_bytes(text);
        } else {
            fvm_buf_deinit(&below);
        }
        p->count = i + 1;
        FVM_TRY(err);
        if (!own) break;
    }
    return FVM_OK;
}

static fvm_cli_exit list(char **words, size_t count)
{
    page p;
    fvm_buf text;
    const char *known[2] = { NULL, NULL };
    fvm_buf_init(&text, NULL);
    fvm_err err = find_page(&p, &text, known, words, count);
    if (err == FVM_OK) {
        if (count == p.count) print_commands(&p);
        if (p.count) print_options(&p);
    }
    fvm_buf_deinit(&text);
    return err == FVM_OK ? FVM_EXIT_OK : FVM_EXIT_HOST;
}

fvm_cli_exit fvm_cmd_completion(int argc, char **argv)
{
    static const struct {
        const char *name, *script;
    } shells[] = { { "bash", bash_script }, { "zsh", zsh_script }, { "fish", fish_script } };
    const char *word = argc > 0 ? argv[0] : "";
    const char *last = argc > 0 ? argv[argc - 1] : "";
    if (strcmp(last, "--help") == 0 || strcmp(last, "-h") == 0) {
        fputs(help, stdout);
        return FVM_EXIT_OK;
    }
    if (strcmp(word, "list") == 0) return list(argv + 1, (size_t)argc - 1);
    for (size_t i = 0; i < FVM_COUNT(shells) && argc == 1; i++)
        if (strcmp(shells[i].name, word) == 0) {
            fputs(shells[i].script, stdout);
            return FVM_EXIT_OK;
        }
    fputs("fvm completion: name a shell: bash, zsh or fish. See 'fvm completion --help'.\n",
          stderr);
    return FVM_EXIT_USAGE;
}
