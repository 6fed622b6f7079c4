#include "package.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES_MAX ((size_t)8 << 20)

/* Counts the exported functions whose names stand in the text. */
static uint32_t count_names(const struct rh_elf_exports *exports, const char *text,
                            size_t len)
{
	bool    *seen = calloc(exports->symbol_count + 1, sizeof *seen);
	uint32_t count = 0;

	for (size_t at = 0; seen && at < len;) {
		char   word[256];
		size_t used = 0;

		while (at < len && (isalnum((unsigned char)text[at]) || text[at] == '_')) {
			if (used + 1 < sizeof word)
				word[used++] = text[at];
			at++;
		}
		word[used] = '\0';
		at++;
		const struct rh_elf_symbol *symbol =
			used ? rh_elf_find(exports, word) : NULL;
		if (symbol && !seen[symbol - exports->symbols]) {
			seen[symbol - exports->symbols] = true;
			count++;
		}
	}
	free(seen);
	return count;
}

/* lzma.h of liblzma: it may declare nothing and include all the others. */
static bool is_named_like(const char *path, const char *stem)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t      len = strlen(name) - 2;

	return (strncmp(name, stem, len) == 0 && stem[len] == '\0') ||
	       (strncmp(stem, "lib", 3) == 0 && strncmp(name, stem + 3, len) == 0 &&
	        stem[3 + len] == '\0');
}

static void weigh_header(const struct rh_elf_exports *exports, const char *stem,
                         struct rh_package_header *header)
{
	struct rh_elf_span file;

	header->is_named = is_named_like(header->path, stem);
	if (rh_elf_map(header->path, &file, NULL) < 0)
		return;
	if (file.len <= HEADER_BYTES_MAX)
		header->declares = count_names(exports, (const char *)file.bytes, file.len);
	rh_elf_unmap(&file);
}

static int compare_headers(const void *left, const void *right)
{
	const struct rh_package_header *a = left, *b = right;

	if (a->is_named != b->is_named)
		return a->is_named ? -1 : 1;
	if (a->declares != b->declares)
		return a->declares < b->declares ? 1 : -1;
	return strcmp(a->include, b->include);
}

void rh_package_weigh(struct rh_package *package, const struct rh_elf_exports *exports)
{
	for (uint32_t i = 0; i < package->header_count; i++)
		weigh_header(exports, package->stem, &package->headers[i]);
	if (package->header_count)
		qsort(package->headers, package->header_count, sizeof *package->headers,
		      compare_headers);
}
