#include "rule_inputs.h"

#include "../base/diag.h"
#include "../rules/limits.h"

#include <errno.h>
#include <jansson.h>
#include <rhodes/hook/filter_layout.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_LINE 1000000u /* of now_ns */
#define NAMES_MAX   160

#define PLACES_MAX  4096u /* of arrays, in one line */

#define SAID_PARAMETER (1u << RH_HOOK_FIELDS_MAX) /* bits behind those of the fields */

_Static_assert(sizeof ((struct rh_rule_inputs *)0)->params /
               sizeof(struct rh_rule_param) == RH_RULE_PARAMS_MAX, "");

/* A line as it is read. */
struct line {
	struct rh_rule_inputs *inputs;
	const char            *name;
	unsigned               number;
	struct rh_diag        *diag;
};

#define REFUSE(line, format, ...) \
	rh_diag_set((line)->diag, RH_EINVAL, "%.100s:%u: " format, (line)->name, \
	            (line)->number, __VA_ARGS__)

/* ---- numbers ---- */

/* Integers of both signs, and strings of them: JSON's end at 2^63. */
static int read_number(const json_t *value, uint64_t *ret_number)
{
	const char *text = json_string_value(value);
	char       *end;

	if (json_is_integer(value)) {
		*ret_number = (uint64_t)json_integer_value(value);
		return RH_OK;
	}
	if (!text || !*text || strchr(" \t+", *text))
		return RH_EINVAL;
	errno = 0;
	*ret_number = *text == '-' ? (uint64_t)strtoll(text, &end, 0)
	                           : strtoull(text, &end, 0);
	return errno || *end ? RH_EINVAL : RH_OK;
}

static int read_sized(struct line *line, const char *key, const json_t *value,
                      unsigned bytes, uint64_t *ret_number)
{
	uint64_t number;

	if (read_number(value, &number) < 0)
		return REFUSE(line, "%.40s is no integer, nor a string of one such as "
		              "\"0x1f\"", key);
	if (bytes == 4 && number > UINT32_MAX && number < (uint64_t)INT32_MIN)
		return REFUSE(line, "%.40s has 32 bits; this is more", key);
	*ret_number = bytes == 4 ? (uint32_t)number : number;
	return RH_OK;
}

/* ---- bytes ---- */

static bool decode(const char *key, const char *text, size_t len, unsigned char *into,
                   size_t *ret_len)
{
	const char *end = text + len;

	if (strcmp(key, "hex") == 0)
		return sodium_hex2bin(into, len + 1, text, len, " ", ret_len, &end) == 0 &&
		       end == text + len;
	if (strcmp(key, "base64") == 0)
		return sodium_base642bin(into, len + 1, text, len, NULL, ret_len, &end,
		                         sodium_base64_VARIANT_ORIGINAL) == 0 &&
		       end == text + len;
	memcpy(into, text, len);
	*ret_len = len;
	return true;
}

static bool is_bytes(const char *key)
{
	return strcmp(key, "text") == 0 || strcmp(key, "hex") == 0 ||
	       strcmp(key, "base64") == 0;
}

static int read_bytes(struct line *line, const char *key, const json_t *value,
                      unsigned char **bytes, size_t *len)
{
	size_t room = json_string_length(value);
	size_t most = line->inputs->hook->state_bytes;

	if (*bytes)
		return REFUSE(line, "%s: the bytes are said twice", key);
	if (!json_is_string(value))
		return REFUSE(line, "%s must be a string", key);
	*bytes = malloc(room + 1);
	if (!*bytes)
		return rh_diag_set(line->diag, RH_ENOMEM, "no memory for inputs");
	if (!decode(key, json_string_value(value), room, *bytes, len))
		return REFUSE(line, "%s: this is no %s", key,
		              key[0] == 'h' ? "text of hexadecimal digits" : "base64");
	if (*len > most)
		return REFUSE(line, "%s: %zu bytes, the buffer of hook %s has room for %zu", key,
		              *len, line->inputs->hook->name, most);
	return RH_OK;
}

/* ---- names ---- */

/* The last one is not meant: it is said as text, hex or base64. */
static int find_field(const struct rh_hook *hook, const char *name)
{
	for (unsigned i = 0; i + 1 < hook->field_count; i++) {
		if (strcmp(hook->fields[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static int find_parameter(const struct rh_hook_function *function, const char *name)
{
	for (unsigned i = 0; i < RH_HOOK_PARAMETERS_MAX && function->parameters[i]; i++) {
		if (strcmp(function->parameters[i], name) == 0)
			return (int)i;
	}
	return -1;
}

/* "now_ns, capacity": all fields, or those that the rule writes. */
static const char *list_fields(const struct rh_hook *hook, bool is_out,
                               char names[NAMES_MAX])
{
	size_t used = 0;

	names[0] = 0;
	for (unsigned i = 0; i + 1 < hook->field_count && used < NAMES_MAX; i++) {
		const struct rh_hook_field *field = &hook->fields[i];

		if (field->is_out || !is_out)
			used += (size_t)snprintf(names + used, NAMES_MAX - used, "%s%s",
			                         used ? ", " : "", field->name);
	}
	return names;
}

static int find_call(struct line *line, const json_t *object, unsigned *ret_slot)
{
	const struct rh_hook *hook = line->inputs->hook;
	const char           *name = json_string_value(json_object_get(object, "call"));

	if (!name)
		return REFUSE(line, "says no \"call\": the function of hook %s to call",
		              hook->name);
	for (unsigned slot = RH_SLOT_RESTORE + 1; slot < hook->export_count; slot++) {
		if (strcmp(hook->exports[slot].name, name) == 0) {
			*ret_slot = slot;
			return RH_OK;
		}
	}
	return REFUSE(line, "%.60s is no function of hook %s, such as %s", name, hook->name,
	              hook->exports[RH_SLOT_RESTORE + 1].name);
}

/* ---- other places of bytes ---- */

uint64_t rh_rule_hash(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t             hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 0x100000001b3u;
	return hash;
}

static int check_text(struct line *line, const struct rh_hook_field *field,
                      const json_t *value)
{
	if (!json_is_string(value))
		return REFUSE(line, "%s must be a string", field->name);
	if (json_string_length(value) > field->bytes)
		return REFUSE(line, "%s has room for %u bytes", field->name, field->bytes);
	return RH_OK;
}

static int read_text(struct line *line, struct rh_rule_input *input, int field,
                     const json_t *value)
{
	const struct rh_hook *hook = line->inputs->hook;
	int                   err = check_text(line, &hook->fields[field], value);

	if (err < 0)
		return err;
	if (!input->texts)
		input->texts = calloc(hook->field_count, sizeof *input->texts);
	if (input->texts)
		input->texts[field] = strdup(json_string_value(value));
	return input->texts && input->texts[field] ? RH_OK :
	       rh_diag_set(line->diag, RH_ENOMEM, "no memory for inputs");
}

/* With the zeroes behind it, as the rule should leave it. */
static int read_text_hash(struct line *line, const struct rh_hook_field *field,
                          const json_t *value, uint64_t *ret_hash)
{
	int   err = check_text(line, field, value);
	char *whole = err < 0 ? NULL : calloc(1, field->bytes);

	if (err < 0)
		return err;
	if (!whole)
		return rh_diag_set(line->diag, RH_ENOMEM, "no memory for inputs");
	memcpy(whole, json_string_value(value), json_string_length(value));
	*ret_hash = rh_rule_hash(whole, field->bytes);
	free(whole);
	return RH_OK;
}

/* ---- places of arrays ---- */

static int add_place(struct line *line, const struct rh_hook_field *field, uint32_t offset,
                     const json_t *value, struct rh_rule_places *places)
{
	struct rh_rule_place place = { .offset = offset, .bytes = field->bytes }, *more;
	int err = read_sized(line, field->name, value, field->bytes, &place.value);

	if (err < 0)
		return err;
	if (places->count == PLACES_MAX)
		return REFUSE(line, "more than %u places of arrays", PLACES_MAX);
	more = realloc(places->items, (places->count + 1) * sizeof *more);
	if (!more)
		return rh_diag_set(line->diag, RH_ENOMEM, "no memory for inputs");
	places->items = more;
	places->items[places->count++] = place;
	return RH_OK;
}

static int read_index(struct line *line, const struct rh_hook_field *array, const char *key,
                      uint32_t *ret_index)
{
	char         *end;
	unsigned long index = strtoul(key, &end, 10);

	if (*end || key[0] < '0' || key[0] > '9' || index >= array->count)
		return REFUSE(line, "%s: \"%.20s\" is none of its places, 0 to %u", array->name,
		              key, array->count - 1);
	*ret_index = (uint32_t)index;
	return RH_OK;
}

static const struct rh_hook_field *find_member(const struct rh_hook_field *array,
                                               const char *name)
{
	for (unsigned i = 0; i < array->member_count; i++) {
		if (strcmp(array->members[i].name, name) == 0)
			return &array->members[i];
	}
	return NULL;
}

static int read_places(struct line *line, const struct rh_hook_field *field,
                       uint32_t offset, const json_t *value, struct rh_rule_places *places);

static int read_record(struct line *line, const struct rh_hook_field *array,
                       uint32_t offset, const json_t *value, struct rh_rule_places *places)
{
	const char *key;
	json_t     *each;
	int         err = RH_OK;

	if (!json_is_object(value))
		return REFUSE(line, "%s: a place must be an object, such as {\"%s\": 1}",
		              array->name, array->members[0].name);
	json_object_foreach((json_t *)(uintptr_t)value, key, each) {
		const struct rh_hook_field *member = find_member(array, key);

		if (!member)
			return REFUSE(line, "%s: %.40s is no member of it", array->name, key);
		err = read_places(line, member, offset + member->offset, each, places);
		if (err < 0)
			return err;
	}
	return RH_OK;
}

/* A number, or {"3": number}, or {"3": {"member": number}}. */
static int read_places(struct line *line, const struct rh_hook_field *field,
                       uint32_t offset, const json_t *value, struct rh_rule_places *places)
{
	const char *key;
	json_t     *each;
	uint32_t    index = 0;
	int         err;

	if (!field->count)
		return add_place(line, field, offset, value, places);
	if (!json_is_object(value))
		return REFUSE(line, "%s must be an object of its places, such as {\"0\": ...}",
		              field->name);
	json_object_foreach((json_t *)(uintptr_t)value, key, each) {
		if ((err = read_index(line, field, key, &index)) < 0)
			return err;
		uint32_t at = offset + index * field->bytes;
		err = field->members ? read_record(line, field, at, each, places)
		                     : add_place(line, field, at, each, places);
		if (err < 0)
			return err;
	}
	return RH_OK;
}

static bool is_place(const struct rh_hook_field *field)
{
	return field->count || field->is_kept;
}

/* ---- what is expected ---- */

static int read_failure(struct line *line, const json_t *value, int *ret_kind)
{
	const char *name = json_string_value(value);

	for (int kind = 0; name && kind <= RH_FAILED_VALUE; kind++) {
		if (strcmp(rh_rule_failure_name((enum rh_rule_failure)kind), name) == 0) {
			*ret_kind = kind;
			return RH_OK;
		}
	}
	return REFUSE(line, "%s: is one of trap, timeout, fuel, memory, value",
	              "fails");
}

static int read_expectation(struct line *line, struct rh_rule_input *input,
                            const char *key, const json_t *value)
{
	const struct rh_hook    *hook = line->inputs->hook;
	struct rh_rule_expected *expected = input->expected;
	const char *signature = strchr(hook->exports[input->slot].signature, ':');
	int         field = find_field(hook, key);
	char        names[NAMES_MAX];

	if (strcmp(key, "fails") == 0)
		return read_failure(line, value, &expected->fails);
	if (is_bytes(key))
		return read_bytes(line, key, value, &expected->bytes, &expected->len);
	if (strcmp(key, "result") == 0) {
		expected->has_result = true;
		return read_sized(line, key, value, signature[1] == 'i' ? 4 : 8,
		                  &expected->result);
	}
	if (field < 0 || !hook->fields[field].is_out)
		return REFUSE(line, "expect: %.40s is none of result, fails, text, hex, base64%s"
		              "%s", key, *list_fields(hook, true, names) ? ", " : "", names);
	if (is_place(&hook->fields[field]))
		return read_places(line, &hook->fields[field], hook->fields[field].offset, value,
		                   &expected->places);
	expected->mask |= 1u << field;
	if (hook->fields[field].is_bytes)
		return read_text_hash(line, &hook->fields[field], value,
		                      &expected->fields[field]);
	return read_sized(line, key, value, hook->fields[field].bytes,
	                  &expected->fields[field]);
}

static int read_expected(struct line *line, struct rh_rule_input *input,
                         const json_t *object)
{
	const char *key;
	json_t     *value;
	int         err = RH_OK;

	if (!json_is_object(object))
		return REFUSE(line, "%s must be an object", "expect");
	input->expected = calloc(1, sizeof *input->expected);
	if (!input->expected)
		return rh_diag_set(line->diag, RH_ENOMEM, "no memory for inputs");
	input->expected->fails = -1;
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (err == RH_OK)
			err = read_expectation(line, input, key, value);
	}
	return err;
}

/* ---- a call ---- */

static int read_key(struct line *line, struct rh_rule_input *input, const char *key,
                    const json_t *value, unsigned *said)
{
	const struct rh_hook          *hook = line->inputs->hook;
	const struct rh_hook_function *function = &hook->exports[input->slot];
	int  parameter = find_parameter(function, key), field = find_field(hook, key);
	char names[NAMES_MAX];
	int  err = RH_OK;

	if (strcmp(key, "call") == 0)
		return RH_OK;
	if (strcmp(key, "expect") == 0)
		return read_expected(line, input, value);
	if (is_bytes(key))
		return read_bytes(line, key, value, &input->bytes, &input->len);
	if (parameter < 0 && field < 0)
		return REFUSE(line, "%.40s is no parameter of %s and no field of hook %s: %s, "
		              "text, hex, base64", key, function->name, hook->name,
		              list_fields(hook, false, names));
	if (parameter >= 0) {
		*said |= SAID_PARAMETER << parameter;
		err = read_sized(line, key, value, function->signature[parameter] == 'i' ? 4 : 8,
		                 &input->args[parameter]);
	}
	if (err == RH_OK && field >= 0 && is_place(&hook->fields[field]))
		return read_places(line, &hook->fields[field], hook->fields[field].offset, value,
		                   &input->places);
	if (err == RH_OK && field >= 0 && hook->fields[field].is_bytes)
		return read_text(line, input, field, value);
	if (err == RH_OK && field >= 0) {
		*said |= 1u << field;
		err = read_sized(line, key, value, hook->fields[field].bytes,
		                 &input->fields[field]);
	}
	return err;
}

/* What was not said, of a field of that name, if there is one. */
static void fill_field(const struct rh_hook *hook, struct rh_rule_input *input,
                       unsigned said, const char *name, uint64_t value)
{
	int field = find_field(hook, name);

	if (field >= 0 && !(said & 1u << field))
		input->fields[field] = value;
}

static void fill_in(struct line *line, struct rh_rule_input *input, unsigned said)
{
	const struct rh_hook *hook = line->inputs->hook;
	int parameter = find_parameter(&hook->exports[input->slot], "length");

	fill_field(hook, input, said, "length", input->len);
	fill_field(hook, input, said, "visible", input->len);
	fill_field(hook, input, said, "total", input->len);
	fill_field(hook, input, said, "now_ns", (line->inputs->count + 1) * NS_PER_LINE);
	fill_field(hook, input, said, "chosen", RH_FILTER_ANY);
	if (parameter >= 0 && !(said & SAID_PARAMETER << parameter))
		input->args[parameter] = input->len;
}

static void free_input(struct rh_rule_input *input, unsigned fields)
{
	if (input->expected) {
		free(input->expected->bytes);
		free(input->expected->places.items);
	}
	free(input->expected);
	free(input->places.items);
	free(input->bytes);
	for (unsigned i = 0; input->texts && i < fields; i++)
		free(input->texts[i]);
	free(input->texts);
}

static int read_call(struct line *line, const json_t *object, struct rh_rule_input *input)
{
	const char *key;
	json_t     *value;
	unsigned    said = 0;
	int         err = find_call(line, object, &input->slot);

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (err == RH_OK)
			err = read_key(line, input, key, value, &said);
	}
	if (err == RH_OK)
		fill_in(line, input, said);
	return err;
}

static int make_room(struct line *line)
{
	struct rh_rule_inputs *inputs = line->inputs;
	size_t                 room = inputs->room ? inputs->room * 2 : 64;
	struct rh_rule_input  *more;

	if (inputs->count == RH_RULE_INPUTS_MAX)
		return rh_diag_set(line->diag, RH_EMSGSIZE, "%.100s:%u: more than %u calls",
		                   line->name, line->number, RH_RULE_INPUTS_MAX);
	if (inputs->count < inputs->room)
		return RH_OK;
	more = realloc(inputs->items, room * sizeof *more);
	if (!more)
		return rh_diag_set(line->diag, RH_ENOMEM, "no memory for inputs");
	inputs->items = more;
	inputs->room = room;
	return RH_OK;
}

/* ---- parameters of the rule ---- */

static int read_param(struct line *line, const char *key, const json_t *value)
{
	struct rh_rule_inputs *inputs = line->inputs;
	struct rh_rule_param  *param = &inputs->params[inputs->param_count];

	if (!json_is_string(value) || !*key || strlen(key) > RH_RULE_PARAM_MAX ||
	    json_string_length(value) > RH_RULE_VALUE_MAX)
		return REFUSE(line, "params: %.64s: a name has 1 to %u bytes, a value is a "
		              "string of at most %u", key, RH_RULE_PARAM_MAX, RH_RULE_VALUE_MAX);
	if (inputs->param_count == RH_RULE_PARAMS_MAX)
		return REFUSE(line, "params: more than %u", RH_RULE_PARAMS_MAX);
	*param = (struct rh_rule_param){ strdup(key), strdup(json_string_value(value)) };
	inputs->param_count++;
	return param->name && param->value ? RH_OK :
	       rh_diag_set(line->diag, RH_ENOMEM, "no memory for inputs");
}

static int read_params(struct line *line, const json_t *object)
{
	const json_t *params = json_object_get(object, "params");
	const char   *key;
	json_t       *value;
	int           err = RH_OK;

	if (!json_is_object(params) || json_object_size(object) != 1)
		return REFUSE(line, "%s must be an object, alone on its line", "params");
	if (line->inputs->count || line->inputs->param_count)
		return REFUSE(line, "%s come once, before the first call", "params");
	json_object_foreach((json_t *)(uintptr_t)params, key, value) {
		if (err == RH_OK)
			err = read_param(line, key, value);
	}
	return err;
}

/* ---- lines ---- */

static int read_object(struct line *line, const json_t *object)
{
	struct rh_rule_input input = { .file = line->name, .line = line->number };
	int                  err;

	if (!json_is_object(object))
		return REFUSE(line, "%s", "is no JSON object");
	if (json_object_get(object, "params"))
		return read_params(line, object);
	err = make_room(line);
	if (err == RH_OK)
		err = read_call(line, object, &input);
	if (err < 0) {
		free_input(&input, line->inputs->hook->field_count);
		return err;
	}
	line->inputs->items[line->inputs->count++] = input;
	return RH_OK;
}

static int read_line(struct line *line, const char *text, size_t len)
{
	json_error_t error;
	json_t      *object;
	size_t       blank = strspn(text, " \t\r\n");

	if (text[blank] == 0 || text[blank] == '#')
		return RH_OK;
	if (len > RH_RULE_INPUT_LINE)
		return rh_diag_set(line->diag, RH_EMSGSIZE, "%.100s:%u: a line of more than %u "
		                   "bytes", line->name, line->number, RH_RULE_INPUT_LINE);
	object = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!object)
		return REFUSE(line, "column %d: %.100s", error.column, error.text);
	int err = read_object(line, object);
	json_decref(object);
	return err;
}

int rh_rule_inputs_read(struct rh_rule_inputs *inputs, FILE *file, const char *name,
                        struct rh_diag *diag)
{
	struct line line = { .inputs = inputs, .name = name, .diag = diag };
	char       *text = NULL;
	size_t      room = 0;
	ssize_t     len;
	int         err = RH_OK;

	while (err == RH_OK && (len = getline(&text, &room, file)) >= 0) {
		line.number++;
		err = read_line(&line, text, (size_t)len);
	}
	free(text);
	if (err == RH_OK && ferror(file))
		err = rh_diag_set(diag, RH_EIO, "%.100s: cannot be read", name);
	return err;
}

void rh_rule_inputs_fini(struct rh_rule_inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		free_input(&inputs->items[i], inputs->hook->field_count);
	free(inputs->items);
	for (unsigned i = 0; i < inputs->param_count; i++) {
		free((char *)(uintptr_t)inputs->params[i].name);
		free((char *)(uintptr_t)inputs->params[i].value);
	}
}
