#include "rule_language.h"

#include <errno.h>
#include <string.h>

/* Every @NAME@ in these becomes the name of the rule. */
#define HEAD \
	"# What `rhodes rule publish` builds and sends.\n" \
	"name: @NAME@\n" \
	"hook: @HOOK@\n" \
	"abi: 1\n" \
	"mode: wasm\n" \
	"memory: 1Mi\n"
#define LIBC \
	"# For what a C library prints when it gives up, and for printf: the rule's log.\n" \
	"capabilities: [stdout]\n"
#define FILE_LINE "file: @NAME@.wasm\n"
#define CLANG \
	"clang++ --target=wasm32-wasi -std=c++17 -Os -fno-exceptions -fno-rtti\n" \
	"  -mexec-model=reactor -mbulk-memory -Wall -Wextra -Iinclude -Wl,--stack-first\n" \
	"  -Wl,-z,stack-size=65536 -Wl,--strip-all"

#define FILES_MAX 4u

struct file {
	const char *start; /* of rh_rule_starts; @HOOK@ is the hook */
	const char *path;  /* in the project */
};

struct rh_rule_language {
	const char *name;
	const char *hook; /* the only one, or NULL */
	bool        has_headers;
	const char *project;
	struct file files[FILES_MAX];
};

static const struct rh_rule_language languages[] = {
	{ "c", NULL, true,
	  HEAD
	  "build: >-\n"
	  "  clang --target=wasm32 -O2 -mbulk-memory -nostdlib -ffreestanding -Wall -Wextra\n"
	  "  -Iinclude -Wl,--no-entry -Wl,--stack-first -Wl,-z,stack-size=16384\n"
	  "  -Wl,--strip-all -o @NAME@.wasm @NAME@.c\n"
	  "native: gcc -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Iinclude -o @NAME@.so "
	  "@NAME@.c\n"
	  FILE_LINE,
	  { { "@HOOK@_new.c", "@NAME@.c" } } },
	{ "c++", NULL, true,
	  HEAD LIBC
	  "build: >-\n  " CLANG " -o @NAME@.wasm @NAME@.cc\n"
	  FILE_LINE,
	  { { "@HOOK@_new.cc", "@NAME@.cc" } } },
	{ "rust", NULL, false,
	  HEAD
	  "build: >-\n"
	  "  rustc --crate-name rule --target wasm32-unknown-unknown -C opt-level=2\n"
	  "  -C panic=abort --crate-type cdylib -C linker=wasm-ld -C strip=symbols\n"
	  "  -C link-arg=-zstack-size=65536 -o @NAME@.wasm @NAME@.rs\n"
	  FILE_LINE,
	  { { "@HOOK@_new.rs", "@NAME@.rs" }, { "@HOOK@.rs", "include/rhodes/@HOOK@.rs" } } },
	{ "assemblyscript", NULL, false,
	  HEAD
	  "build: >-\n"
	  "  npm ci --silent --no-audit --no-fund --prefer-offline &&\n"
	  "  node_modules/.bin/asc @NAME@.ts -O3 --runtime stub --noAssert --use abort=\n"
	  "  -o @NAME@.wasm\n"
	  FILE_LINE,
	  { { "@HOOK@_new.ts", "@NAME@.ts" }, { "@HOOK@.ts", "include/rhodes/@HOOK@.ts" },
	    { "package.json", "package.json" }, { "package-lock.json", "package-lock.json" } } },
	{ "ebpf", "probe", false,
	  "# What `rhodes rule publish` builds and sends.\n"
	  "name: @NAME@\n"
	  "hook: @HOOK@\n"
	  "abi: 1\n"
	  "mode: ebpf\n"
	  "memory: 1Mi\n"
	  "build: >-\n"
	  "  clang -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Wextra\n"
	  "  -Wno-unused-parameter -I/usr/include/x86_64-linux-gnu -c @NAME@.bpf.c -o @NAME@.o\n"
	  "file: @NAME@.o\n",
	  { { "@HOOK@_new.c", "@NAME@.bpf.c" } } },
	{ "verilog", "filter", true,
	  HEAD LIBC
	  "build: >-\n"
	  "  yosys -q -p 'read_verilog @NAME@.v; hierarchy -top rule; proc; opt;\n"
	  "  write_cxxrtl @NAME@_rtl.h' &&\n"
	  "  " CLANG "\n"
	  "  -I\"$(yosys-config --datdir)/include\" -o @NAME@.wasm @NAME@.cc\n"
	  FILE_LINE,
	  { { "@HOOK@_new.v", "@NAME@.v" }, { "@HOOK@_new_verilog.cc", "@NAME@.cc" } } },
};

enum { LANGUAGES = sizeof languages / sizeof languages[0] };

const struct rh_rule_language *rh_rule_language_find(const char *name)
{
	for (size_t i = 0; i < LANGUAGES; i++)
		if (strcmp(languages[i].name, name) == 0)
			return &languages[i];
	return NULL;
}

const char *rh_rule_language_names(void)
{
	return "c, c++, rust, assemblyscript and verilog";
}

bool rh_rule_language_has(const struct rh_rule_language *language, const char *hook)
{
	if (strcmp(hook, "probe") == 0 || strcmp(language->name, "ebpf") == 0)
		return language->hook && strcmp(language->hook, hook) == 0;
	return !language->hook || strcmp(language->hook, hook) == 0;
}

const char *rh_rule_language_hook(const struct rh_rule_language *language)
{
	return language->hook;
}

bool rh_rule_language_has_headers(const struct rh_rule_language *language)
{
	return language->has_headers;
}

/* ---- writing ---- */

struct words {
	const char *name, *hook;
};

/* Copies len bytes with what stands for the names replaced. */
static void put(FILE *out, const char *text, size_t len, const struct words *words)
{
	for (size_t i = 0; i < len;) {
		bool is_name = len - i >= 6 && memcmp(text + i, "@NAME@", 6) == 0;
		bool is_hook = len - i >= 6 && memcmp(text + i, "@HOOK@", 6) == 0;

		if (is_name || is_hook) {
			fputs(is_name ? words->name : words->hook, out);
			i += 6;
		} else {
			fputc(text[i++], out);
		}
	}
}

static void expand(const char *text, const struct words *words, char *path, size_t room)
{
	FILE *out = fmemopen(path, room, "w");

	path[0] = '\0';
	if (!out)
		return;
	put(out, text, strlen(text), words);
	fclose(out);
}

static int write_file(struct rh_cli *cli, const struct words *words, const char *path,
                      const char *text, size_t len)
{
	char  inside[256], whole[PATH_MAX];
	FILE *file;

	expand(path, words, inside, sizeof inside);
	snprintf(whole, sizeof whole, "%s/%s", words->name, inside);
	file = fopen(whole, "wxe");
	if (file)
		put(file, text, len, words);
	bool is_written = file && !ferror(file);
	if (file && fclose(file) != 0)
		is_written = false;
	if (is_written)
		return RH_EXIT_OK;
	return rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot make %s: %s", whole, strerror(errno));
}

static int write_start(struct rh_cli *cli, const struct words *words,
                       const struct file *file)
{
	char start[64];

	expand(file->start, words, start, sizeof start);
	for (const struct rh_rule_text *text = rh_rule_starts; text->path; text++) {
		if (strcmp(text->path, start) == 0)
			return write_file(cli, words, file->path, (const char *)text->bytes, text->len);
	}
	return rh_cli_fail(cli, RH_EXIT_REFUSED, "there is no %s to begin with", start);
}

int rh_rule_language_write(struct rh_cli *cli, const struct rh_rule_language *language,
                           const char *name, const char *hook)
{
	struct words words = { .name = name, .hook = hook };
	int          result = RH_EXIT_OK;

	for (size_t i = 0; i < FILES_MAX && language->files[i].start && result == RH_EXIT_OK;
	     i++)
		result = write_start(cli, &words, &language->files[i]);
	if (result == RH_EXIT_OK)
		result = write_file(cli, &words, RH_RULE_FILE, language->project,
		                    strlen(language->project));
	return result;
}
