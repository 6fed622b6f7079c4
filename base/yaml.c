#include "yaml_read.h"

#include "../model/check.h"
#include "../model/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rh_yaml {
	struct rh_yaml_document *documents;
	size_t                   count;
	size_t                   capacity;
};

static void free_document(struct rh_yaml_document *document)
{
	for (size_t i = 0; i < document->count; i++)
		free(document->places[i].key);
	free(document->places);
	json_decref(document->value);
}

/* Reads one document after its start event into a new slot of yaml. */
static int read_document(struct rh_yaml_reader *reader, struct rh_yaml *yaml)
{
	struct rh_yaml_document *documents;
	int r;

	documents = rh_yaml_grown(yaml->documents, yaml->count, &yaml->capacity,
	                          sizeof *documents);
	if (!documents)
		return rh_yaml_fail_here(reader, RH_ENOMEM, "out of memory");
	yaml->documents = documents;
	if (yaml->count == RH_YAML_DOCUMENTS_MAX)
		return rh_yaml_fail_here(reader, RH_EMSGSIZE, "too many documents");
	reader->document = &documents[yaml->count++];
	*reader->document = (struct rh_yaml_document){ .value = NULL };

	r = rh_yaml_read(reader);
	if (r == RH_OK && json_is_null(reader->document->value))
		free_document(&documents[--yaml->count]);
	return r;
}

static int read_stream(struct rh_yaml_reader *reader, struct rh_yaml *yaml)
{
	int r = rh_yaml_next(reader);

	while (r == RH_OK) {
		if (reader->event.type == YAML_STREAM_END_EVENT)
			return RH_OK;
		if (reader->event.type == YAML_DOCUMENT_START_EVENT)
			r = read_document(reader, yaml);
		if (r == RH_OK)
			r = rh_yaml_next(reader);
	}
	return r;
}

int rh_yaml_parse(const char *text, size_t len, struct rh_yaml **ret_yaml,
                  struct rh_yaml_mark *ret_mark, struct rh_diag *diag)
{
	struct rh_yaml_reader reader = { .mark = ret_mark, .diag = diag };
	struct rh_yaml *yaml;
	int r;

	if (len > RH_YAML_BYTES_MAX)
		return rh_yaml_fail(&reader, (struct rh_yaml_mark){ 0, 0 }, RH_EMSGSIZE,
		                    "larger than %u MiB",
		                    RH_YAML_BYTES_MAX / (1024u * 1024u));
	yaml = calloc(1, sizeof *yaml);
	if (!yaml || !yaml_parser_initialize(&reader.parser)) {
		free(yaml);
		return rh_yaml_fail(&reader, (struct rh_yaml_mark){ 0, 0 }, RH_ENOMEM,
		                    "out of memory");
	}
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
	r = read_stream(&reader, yaml);
	yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	if (r < 0)
		rh_yaml_destroy(yaml);
	else
		*ret_yaml = yaml;
	return r;
}

void rh_yaml_destroy(struct rh_yaml *yaml)
{
	if (!yaml)
		return;
	for (size_t i = 0; i < yaml->count; i++)
		free_document(&yaml->documents[i]);
	free(yaml->documents);
	free(yaml);
}

size_t rh_yaml_count(const struct rh_yaml *yaml)
{
	return yaml->count;
}

json_t *rh_yaml_document(const struct rh_yaml *yaml, size_t index)
{
	return index < yaml->count ? yaml->documents[index].value : NULL;
}

/* --- places ------------------------------------------------------------------ */

/* Whether the reference token [token, token + len) of a JSON pointer names the
 * place: ~0 stands for ~ and ~1 for /. */
static bool names(const char *token, size_t len, const struct rh_yaml_place *place)
{
	char number[16];
	const char *key = place->key;
	size_t k = 0;

	if (!key) {
		snprintf(number, sizeof number, "%u", place->index);
		key = number;
	}
	for (size_t i = 0; i < len; i++, k++) {
		char c = token[i];

		if (c == '~' && i + 1 < len)
			c = token[++i] == '1' ? '/' : '~';
		if (key[k] != c)
			return false;
	}
	return key[k] == '\0';
}

static size_t child_of(const struct rh_yaml_document *document, size_t parent,
                       const char *token, size_t len)
{
	for (size_t i = parent + 1; i < document->count; i++) {
		if (document->places[i].parent == parent &&
		    names(token, len, &document->places[i]))
			return i;
	}
	return parent;
}

struct rh_yaml_mark rh_yaml_where(const struct rh_yaml *yaml, size_t index,
                                  const char *pointer)
{
	const struct rh_yaml_document *document = &yaml->documents[index];
	size_t at = 0;

	RH_CHECK(index < yaml->count);
	while (*pointer == '/') {
		size_t len = strcspn(++pointer, "/");
		size_t child = child_of(document, at, pointer, len);

		if (child == at)
			break;
		at = child;
		pointer += len;
	}
	return document->places[at].mark;
}
