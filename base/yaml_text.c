#include "yaml.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

struct writer {
	yaml_emitter_t emitter;
	bool           is_broken;
};

static void emit(struct writer *writer, yaml_event_t *event, int is_made)
{
	/* After one failure the emitter may not be used again. */
	if (is_made && writer->is_broken)
		yaml_event_delete(event);
	else if (!is_made || !yaml_emitter_emit(&writer->emitter, event))
		writer->is_broken = true;
}

static void write_scalar(struct writer *writer, const char *text, size_t len,
                         yaml_scalar_style_t style)
{
	yaml_event_t event;
	/* The library does not write through these. */
	yaml_char_t *value = (yaml_char_t *)(uintptr_t)text;

	emit(writer, &event,
	     yaml_scalar_event_initialize(&event, NULL, NULL, value, (int)len, 1, 1,
	                                  style));
}

/* A block reads well for text of several lines; anything odd in it is quoted,
 * because indentation and trailing blanks would have to survive. */
static bool is_block_text(const char *text, size_t len)
{
	if (!memchr(text, '\n', len) || text[0] == '\n' || text[len - 1] != '\n')
		return false;
	for (size_t i = 0; i < len; i++) {
		char before = i ? text[i - 1] : '\n';
		bool is_blank = text[i] == ' ';

		if (is_blank && (before == '\n' || i + 1 == len || text[i + 1] == '\n'))
			return false;
		if (text[i] != '\n' && (text[i] < 0x20 || text[i] > 0x7e))
			return false;
		if (text[i] == '\n' && before == '\n')
			return false;
	}
	return true;
}

/* Words that this or another reader of YAML would take for something else. */
static bool is_ambiguous(const char *text)
{
	static const char *const words[] = {
		"null", "true", "false", "yes", "no", "on", "off", "y", "n",
	};

	if (text[0] == '\0' || strchr("+-.~<=0123456789", text[0]))
		return true;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcasecmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

static void write_string(struct writer *writer, const char *text, size_t len)
{
	yaml_scalar_style_t style = YAML_ANY_SCALAR_STYLE;

	if (is_ambiguous(text))
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	else if (is_block_text(text, len))
		style = YAML_LITERAL_SCALAR_STYLE;
	else if (memchr(text, '\n', len))
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	write_scalar(writer, text, len, style);
}

static void write_plain(struct writer *writer, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));

	if (text)
		write_scalar(writer, text, strlen(text), YAML_PLAIN_SCALAR_STYLE);
	else
		writer->is_broken = true;
	free(text);
}

static void write_value(struct writer *writer, const json_t *value);

static bool is_scalar_list(const json_t *value)
{
	size_t i;
	json_t *item;

	json_array_foreach(value, i, item) {
		if (json_is_object(item) || json_is_array(item))
			return false;
		if (json_is_string(item) && strchr(json_string_value(item), '\n'))
			return false;
	}
	return true;
}

static void write_array(struct writer *writer, const json_t *value)
{
	yaml_sequence_style_t style = is_scalar_list(value) ? YAML_FLOW_SEQUENCE_STYLE
	                                                    : YAML_BLOCK_SEQUENCE_STYLE;
	yaml_event_t event;
	size_t i;
	json_t *item;

	emit(writer, &event,
	     yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style));
	json_array_foreach(value, i, item)
		write_value(writer, item);
	emit(writer, &event, yaml_sequence_end_event_initialize(&event));
}

static void write_object(struct writer *writer, const json_t *value)
{
	yaml_mapping_style_t style = json_object_size(value) ? YAML_BLOCK_MAPPING_STYLE
	                                                     : YAML_FLOW_MAPPING_STYLE;
	yaml_event_t event;
	const char *key;
	json_t *item;

	emit(writer, &event,
	     yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style));
	json_object_foreach((json_t *)(uintptr_t)value, key, item) {
		write_string(writer, key, strlen(key));
		write_value(writer, item);
	}
	emit(writer, &event, yaml_mapping_end_event_initialize(&event));
}

static void write_value(struct writer *writer, const json_t *value)
{
	if (writer->is_broken)
		return;
	if (json_is_object(value))
		write_object(writer, value);
	else if (json_is_array(value))
		write_array(writer, value);
	else if (json_is_string(value))
		write_string(writer, json_string_value(value), json_string_length(value));
	else
		write_plain(writer, value);
}

char *rh_yaml_text(const json_t *value)
{
	struct writer writer = { .is_broken = false };
	yaml_event_t event;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	if (!yaml_emitter_initialize(&writer.emitter)) {
		fclose(file);
		free(text);
		return NULL;
	}
	yaml_emitter_set_output_file(&writer.emitter, file);
	yaml_emitter_set_unicode(&writer.emitter, 1);
	yaml_emitter_set_width(&writer.emitter, 100);
	emit(&writer, &event,
	     yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	emit(&writer, &event,
	     yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	write_value(&writer, value);
	emit(&writer, &event, yaml_document_end_event_initialize(&event, 1));
	emit(&writer, &event, yaml_stream_end_event_initialize(&event));
	yaml_emitter_delete(&writer.emitter);
	if (fclose(file) != 0 || writer.is_broken) {
		free(text);
		return NULL;
	}
	return text;
}
