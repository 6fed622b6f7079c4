#include "yaml_read.h"

#include "../model/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rh_yaml_mark mark_of(const yaml_mark_t *mark)
{
	return (struct rh_yaml_mark){ mark->line + 1, mark->column + 1 };
}

int rh_yaml_fail(struct rh_yaml_reader *reader, struct rh_yaml_mark at, int code,
                const char *format, ...)
{
	va_list args;

	if (reader->mark)
		*reader->mark = at;
	if (reader->diag) {
		reader->diag->code = code;
		va_start(args, format);
		vsnprintf(reader->diag->text, sizeof reader->diag->text, format, args);
		va_end(args);
	}
	return code;
}

int rh_yaml_fail_here(struct rh_yaml_reader *reader, int code, const char *text)
{
	return rh_yaml_fail(reader, mark_of(&reader->event.start_mark), code, "%s", text);
}

/* Shorter, for the many. */
static int refuse(struct rh_yaml_reader *reader, int code, const char *text)
{
	return rh_yaml_fail_here(reader, code, text);
}

static int fail_syntax(struct rh_yaml_reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const char *problem = parser->problem ? parser->problem : "not YAML";
	struct rh_yaml_mark at = mark_of(&parser->problem_mark);

	if (parser->error == YAML_MEMORY_ERROR)
		return rh_yaml_fail(reader, at, RH_ENOMEM, "out of memory");
	if (parser->error == YAML_READER_ERROR)
		at = mark_of(&parser->mark);
	if (!parser->context)
		return rh_yaml_fail(reader, at, RH_EINVAL, "%s", problem);
	return rh_yaml_fail(reader, at, RH_EINVAL, "%s %s", parser->context, problem);
}

int rh_yaml_next(struct rh_yaml_reader *reader)
{
	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->parser, &reader->event))
		return fail_syntax(reader);
	return RH_OK;
}

/* Doubles *capacity; items stay where they are on failure. */
void *rh_yaml_grown(void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;

	size_t more = *capacity ? *capacity * 2 : 16;
	void *moved = realloc(items, more * size);
	if (moved)
		*capacity = more;
	return moved;
}

/* Counts a value against the limits and notes its place in *ret_index.  key is
 * taken, also on failure. */
static int add_place(struct rh_yaml_reader *reader, struct rh_yaml_place place,
                     uint32_t *ret_index)
{
	struct rh_yaml_document *document = reader->document;
	struct rh_yaml_place *places;

	if (reader->nodes >= RH_YAML_NODES_MAX) {
		free(place.key);
		return rh_yaml_fail(reader, place.mark, RH_EMSGSIZE,
		                    "more than %u values", RH_YAML_NODES_MAX);
	}
	places = rh_yaml_grown(document->places, document->count, &document->capacity,
	                       sizeof *places);
	if (!places) {
		free(place.key);
		return rh_yaml_fail(reader, place.mark, RH_ENOMEM, "out of memory");
	}
	document->places = places;
	*ret_index = (uint32_t)document->count;
	places[document->count++] = place;
	reader->nodes++;
	return RH_OK;
}

static int count_bytes(struct rh_yaml_reader *reader, size_t bytes)
{
	if (bytes > RH_YAML_BYTES_MAX - reader->bytes)
		return refuse(reader, RH_EMSGSIZE, "the aliases stand for too much text");
	reader->bytes += bytes;
	return RH_OK;
}

/* --- scalars ------------------------------------------------------------- */

static size_t digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* A number as JSON writes it: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? */
static bool is_number(const char *text)
{
	size_t count;

	text += *text == '-';
	count = digits(text);
	if (count == 0 || (count > 1 && *text == '0'))
		return false;
	text += count;
	if (*text == '.') {
		count = digits(++text);
		if (count == 0)
			return false;
		text += count;
	}
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '+' || *text == '-';
		count = digits(text);
		if (count == 0)
			return false;
		text += count;
	}
	return *text == '\0';
}

static json_t *plain_value(const char *text, size_t len, bool *ret_is_huge)
{
	json_t *number;

	if (len == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0)
		return json_null();
	if (strcmp(text, "true") == 0)
		return json_true();
	if (strcmp(text, "false") == 0)
		return json_false();
	if (!is_number(text))
		return json_stringn(text, len);
	number = json_loadb(text, len, JSON_DECODE_ANY, NULL);
	*ret_is_huge = !number;
	return number;
}

static int check_tag(struct rh_yaml_reader *reader, const yaml_char_t *tag,
                     bool is_scalar)
{
	if (!tag)
		return RH_OK;
	if (is_scalar && strcmp((const char *)tag, YAML_STR_TAG) == 0)
		return RH_OK;
	return refuse(reader, RH_EINVAL, "tags are not used in manifests");
}

static int read_scalar(struct rh_yaml_reader *reader, json_t **ret_value)
{
	const char *text = (const char *)reader->event.data.scalar.value;
	size_t len = reader->event.data.scalar.length;
	const yaml_char_t *tag = reader->event.data.scalar.tag;
	bool is_plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool is_huge = false;
	int r = check_tag(reader, tag, true);

	if (r < 0)
		return r;
	if (len > RH_YAML_SCALAR_MAX)
		return refuse(reader, RH_EMSGSIZE, "this text is too long");
	if (memchr(text, '\0', len))
		return refuse(reader, RH_EINVAL, "a text may not hold a NUL");
	r = count_bytes(reader, len);
	if (r < 0)
		return r;
	if (is_plain && !tag)
		*ret_value = plain_value(text, len, &is_huge);
	else
		*ret_value = json_stringn(text, len);
	if (is_huge)
		return refuse(reader, RH_EINVAL, "this number does not fit 64 bits");
	if (!*ret_value)
		return refuse(reader, RH_ENOMEM, "out of memory");
	return RH_OK;
}

/* --- anchors and aliases --------------------------------------------------- */

static struct rh_yaml_anchor *find_anchor(struct rh_yaml_reader *reader,
                                          const yaml_char_t *name)
{
	/* The last one counts: YAML lets a name be used again. */
	for (size_t i = reader->anchor_count; i > 0; i--) {
		if (strcmp(reader->anchors[i - 1].name, (const char *)name) == 0)
			return &reader->anchors[i - 1];
	}
	return NULL;
}

/* Opens the anchor of the event, if it has one; its slot goes to *ret_slot. */
static int open_anchor(struct rh_yaml_reader *reader, const yaml_char_t *name,
                       size_t *ret_slot)
{
	struct rh_yaml_anchor *anchor = &reader->anchors[reader->anchor_count];

	if (!name)
		return RH_OK;
	if (reader->anchor_count == RH_YAML_ANCHORS_MAX)
		return refuse(reader, RH_EMSGSIZE, "too many anchors");
	*anchor = (struct rh_yaml_anchor){ .name = strdup((const char *)name),
	                           .nodes = reader->nodes, .bytes = reader->bytes };
	if (!anchor->name)
		return refuse(reader, RH_ENOMEM, "out of memory");
	*ret_slot = reader->anchor_count++;
	return RH_OK;
}

static unsigned depth_of(const json_t *value)
{
	unsigned deepest = 0, depth;
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)(uintptr_t)value, key, item) {
			depth = depth_of(item) + 1;
			deepest = depth > deepest ? depth : deepest;
		}
		return deepest ? deepest : 1;
	}
	if (!json_is_array(value))
		return 0;
	json_array_foreach(value, i, item) {
		depth = depth_of(item) + 1;
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest ? deepest : 1;
}

static void close_anchor(struct rh_yaml_reader *reader, size_t slot, json_t *value)
{
	struct rh_yaml_anchor *anchor;

	if (slot == RH_YAML_ANCHORS_MAX)
		return;
	anchor = &reader->anchors[slot];
	anchor->value = json_incref(value);
	anchor->nodes = reader->nodes - anchor->nodes;
	anchor->bytes = reader->bytes - anchor->bytes;
	anchor->depth = depth_of(value);
}

static void close_anchors(struct rh_yaml_reader *reader)
{
	for (size_t i = 0; i < reader->anchor_count; i++) {
		free(reader->anchors[i].name);
		json_decref(reader->anchors[i].value);
	}
	reader->anchor_count = 0;
}

static int read_alias(struct rh_yaml_reader *reader, json_t **ret_value)
{
	const yaml_char_t *name = reader->event.data.alias.anchor;
	struct rh_yaml_anchor *anchor = find_anchor(reader, name);
	int r;

	if (!anchor)
		return refuse(reader, RH_EINVAL, "this alias names no anchor above it");
	if (!anchor->value)
		return refuse(reader, RH_EINVAL,
		              "this alias stands inside its own anchor");
	if (reader->depth + anchor->depth > RH_YAML_DEPTH_MAX)
		return refuse(reader, RH_EMSGSIZE, "nested too deeply by this alias");
	if (anchor->nodes > RH_YAML_NODES_MAX - reader->nodes)
		return refuse(reader, RH_EMSGSIZE,
		              "the aliases stand for too many values");
	r = count_bytes(reader, anchor->bytes);
	if (r < 0)
		return r;
	reader->nodes += anchor->nodes;
	*ret_value = json_deep_copy(anchor->value);
	return *ret_value ? RH_OK : refuse(reader, RH_ENOMEM, "out of memory");
}

/* --- nodes ------------------------------------------------------------------ */

static int read_node(struct rh_yaml_reader *reader, struct rh_yaml_place place,
                     json_t **ret_value);

static int read_items(struct rh_yaml_reader *reader, uint32_t parent, json_t *array)
{
	for (uint32_t i = 0;; i++) {
		struct rh_yaml_place place = { .parent = parent, .index = i };
		json_t *item = NULL;
		int r = rh_yaml_next(reader);

		if (r < 0)
			return r;
		if (reader->event.type == YAML_SEQUENCE_END_EVENT)
			return RH_OK;
		r = read_node(reader, place, &item);
		if (r < 0)
			return r;
		if (json_array_append_new(array, item) < 0)
			return refuse(reader, RH_ENOMEM, "out of memory");
	}
}

/* The line of an earlier key of the same name; 0 when there is none. */
static size_t line_of_key(const struct rh_yaml_document *document, uint32_t parent,
                          const char *key)
{
	for (size_t i = (size_t)parent + 1; i < document->count; i++) {
		const struct rh_yaml_place *place = &document->places[i];

		if (place->parent == parent && place->key && strcmp(place->key, key) == 0)
			return place->mark.line;
	}
	return 0;
}

static int check_key(struct rh_yaml_reader *reader, uint32_t parent, json_t *object)
{
	const yaml_event_t *event = &reader->event;
	const char *key = (const char *)event->data.scalar.value;

	if (event->type != YAML_SCALAR_EVENT)
		return refuse(reader, RH_EINVAL, "a key must be a plain word");
	if (event->data.scalar.anchor || event->data.scalar.tag)
		return refuse(reader, RH_EINVAL, "a key has no anchor and no tag");
	if (event->data.scalar.length == 0)
		return refuse(reader, RH_EINVAL, "a key is empty");
	if (event->data.scalar.length > RH_YAML_KEY_MAX)
		return refuse(reader, RH_EMSGSIZE, "this key is too long");
	if (strlen(key) != event->data.scalar.length)
		return refuse(reader, RH_EINVAL, "a key may not hold a NUL");
	if (strcmp(key, "<<") == 0)
		return refuse(reader, RH_EINVAL, "merge keys are not used in manifests");
	if (json_object_get(object, key))
		return rh_yaml_fail(
			reader, mark_of(&event->start_mark), RH_EINVAL,
			"duplicate key \"%.64s\"; the first stands in line %zu", key,
			line_of_key(reader->document, parent, key));
	return RH_OK;
}

static int read_members(struct rh_yaml_reader *reader, uint32_t parent, json_t *object)
{
	for (;;) {
		struct rh_yaml_place place = { .parent = parent };
		json_t *value = NULL;
		char key[RH_YAML_KEY_MAX + 1];
		int r = rh_yaml_next(reader);

		if (r < 0)
			return r;
		if (reader->event.type == YAML_MAPPING_END_EVENT)
			return RH_OK;
		r = check_key(reader, parent, object);
		if (r < 0)
			return r;
		strcpy(key, (const char *)reader->event.data.scalar.value);
		r = count_bytes(reader, strlen(key));
		if (r < 0)
			return r;
		place.mark = mark_of(&reader->event.start_mark);
		place.key = strdup(key);
		if (!place.key)
			return refuse(reader, RH_ENOMEM, "out of memory");
		r = rh_yaml_next(reader);
		if (r < 0) {
			free(place.key);
			return r;
		}
		r = read_node(reader, place, &value);
		if (r < 0)
			return r;
		if (json_object_set_new(object, key, value) < 0)
			return refuse(reader, RH_ENOMEM, "out of memory");
	}
}

/* Reads the mapping or sequence that the event starts; slot is its anchor. */
static int read_collection(struct rh_yaml_reader *reader, uint32_t self,
                           json_t **ret_value)
{
	bool is_mapping = reader->event.type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *tag = is_mapping ? reader->event.data.mapping_start.tag
	                                    : reader->event.data.sequence_start.tag;
	json_t *value;
	int r = check_tag(reader, tag, false);

	if (r < 0)
		return r;
	if (reader->depth == RH_YAML_DEPTH_MAX)
		return rh_yaml_fail(reader, mark_of(&reader->event.start_mark),
		                    RH_EMSGSIZE, "nested deeper than %u levels",
		                    RH_YAML_DEPTH_MAX);
	value = is_mapping ? json_object() : json_array();
	if (!value)
		return refuse(reader, RH_ENOMEM, "out of memory");
	reader->depth++;
	r = is_mapping ? read_members(reader, self, value)
	               : read_items(reader, self, value);
	reader->depth--;
	if (r < 0)
		json_decref(value);
	else
		*ret_value = value;
	return r;
}

static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor;
	default:
		return NULL;
	}
}

/* Reads the value that the current event starts.  place.key is taken. */
static int read_node(struct rh_yaml_reader *reader, struct rh_yaml_place place,
                     json_t **ret_value)
{
	yaml_event_type_t type = reader->event.type;
	size_t slot = RH_YAML_ANCHORS_MAX;
	uint32_t self = 0;
	int r;

	/* A key says more about where a block starts than its first member. */
	if (type == YAML_SCALAR_EVENT || type == YAML_ALIAS_EVENT || !place.key)
		place.mark = mark_of(&reader->event.start_mark);
	r = add_place(reader, place, &self);
	if (r < 0)
		return r;
	r = open_anchor(reader, anchor_of(&reader->event), &slot);
	if (r < 0)
		return r;
	if (type == YAML_ALIAS_EVENT)
		r = read_alias(reader, ret_value);
	else if (type == YAML_SCALAR_EVENT)
		r = read_scalar(reader, ret_value);
	else
		r = read_collection(reader, self, ret_value);
	if (r == RH_OK)
		close_anchor(reader, slot, *ret_value);
	return r;
}

int rh_yaml_read(struct rh_yaml_reader *reader)
{
	struct rh_yaml_place root = { .parent = RH_YAML_NO_PARENT };
	int r = rh_yaml_next(reader);

	if (r == RH_OK)
		r = read_node(reader, root, &reader->document->value);
	if (r == RH_OK)
		r = rh_yaml_next(reader); /* the end of the document */
	close_anchors(reader);
	return r;
}
