#include "module.h"

#include "../base/diag.h"
#include "../model/check.h"
#include "hook.h"
#include "limits.h"
#include "module_cursor.h"
#include "wasi.h"

#include <string.h>

enum section {
	CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE,
	DATA, DATA_COUNT, SECTIONS
};
enum kind { A_FUNCTION, A_TABLE, A_MEMORY, A_GLOBAL };

static const char *const section_names[SECTIONS] = {
	"custom", "type", "import", "function", "table", "memory", "global", "export",
	"start", "element", "code", "data", "data count",
};
static const char *const kind_names[] = { "function", "table", "memory", "global" };

struct reader {
	const uint8_t       *bytes;
	const struct rh_hook *hook;
	struct rh_module     module;
	struct rh_diag      *diag;
	struct cursor        sections[SECTIONS]; /* what is in each; begin NULL: absent */
	uint32_t             types, imported, memories, tables;
	uint32_t             memory_bytes;
	bool                 is_memory_exported;
};

#define REFUSE(r, ...) rh_diag_set((r)->diag, RH_EINVAL, __VA_ARGS__)

static size_t place(const struct reader *r, const struct cursor *c)
{
	return (size_t)(c->at - r->bytes);
}

static int cut_short(const struct reader *r, const struct cursor *c, enum section s)
{
	return REFUSE(r, "byte %zu: the %s section is cut short or malformed; build the "
	              "module again", place(r, c), section_names[s]);
}

static int too_many(const struct reader *r, enum section s, uint32_t count, uint32_t max)
{
	return rh_diag_set(r->diag, RH_EMSGSIZE, "%u entries in the %s section, at most %u "
	                   "are allowed; make the module smaller", count, section_names[s],
	                   max);
}

/* ---- sections ---- */

static int find_sections(struct reader *r, size_t len)
{
	static const uint8_t place_of[SECTIONS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10 };
	struct cursor c = { r->bytes + 8, r->bytes + len, false };
	uint8_t       last = 0;

	while (c.at < c.end) {
		size_t        at = place(r, &c);
		uint8_t       id = cursor_byte(&c);
		struct cursor body = cursor_part(&c, cursor_u32(&c));

		if (c.failed)
			return REFUSE(r, "byte %zu: a section ends outside of the module; the "
			              "file is cut short", at);
		if (id >= SECTIONS)
			return REFUSE(r, "byte %zu: section %u is none of WebAssembly 1.0; build "
			              "without further extensions", at, id);
		if (id == CUSTOM)
			continue;
		if (place_of[id] <= last)
			return REFUSE(r, "byte %zu: the %s section comes twice or too late", at,
			              section_names[id]);
		last = place_of[id];
		r->sections[id] = body;
	}
	return RH_OK;
}

/* Begins a section that counts its entries.  0 entries when it is absent. */
static int entries(const struct reader *r, enum section s, uint32_t max,
                   struct cursor *ret_cursor, uint32_t *ret_count)
{
	*ret_cursor = r->sections[s];
	*ret_count = 0;
	if (!ret_cursor->at)
		return RH_OK;
	*ret_count = cursor_u32(ret_cursor);
	if (ret_cursor->failed)
		return cut_short(r, ret_cursor, s);
	return *ret_count > max ? too_many(r, s, *ret_count, max) : RH_OK;
}

static int finished(const struct reader *r, const struct cursor *c, enum section s)
{
	if (c->failed || c->at != c->end)
		return cut_short(r, c, s);
	return RH_OK;
}

/* ---- types ---- */

static char letter(uint8_t type)
{
	switch (type) {
	case 0x7f: return 'i';
	case 0x7e: return 'l';
	case 0x7d: return 'f';
	case 0x7c: return 'd';
	case 0x7b: return 'v';
	case 0x70: case 0x6f: return 'r';
	default: return 0;
	}
}

/* Reads one type; the first letters go to text, which may be NULL. */
static void read_type(struct cursor *c, char *text, size_t room)
{
	size_t used = 0;

	if (cursor_byte(c) != 0x60)
		c->failed = true;
	for (int part = 0; part < 2; part++) {
		uint32_t count = cursor_u32(c);

		for (uint32_t i = 0; i < count && !c->failed; i++) {
			char type = letter(cursor_byte(c));

			if (!type)
				c->failed = true;
			if (text && used + 2 < room)
				text[used++] = type;
		}
		if (text && part == 0 && used + 2 < room)
			text[used++] = ':';
	}
	if (text)
		text[used] = 0;
}

static int check_types(struct reader *r)
{
	struct cursor c;
	int           err = entries(r, TYPE, RH_MODULE_TYPES_MAX, &c, &r->types);

	if (err < 0)
		return err;
	if (r->types && c.end - c.at > (ptrdiff_t)RH_MODULE_TYPE_BYTES_MAX)
		return rh_diag_set(r->diag, RH_EMSGSIZE, "the types of functions take %td bytes, "
		                   "at most %u are allowed; use fewer parameters", c.end - c.at,
		                   RH_MODULE_TYPE_BYTES_MAX);
	for (uint32_t i = 0; i < r->types && !c.failed; i++)
		read_type(&c, NULL, 0);
	return r->types ? finished(r, &c, TYPE) : RH_OK;
}

/* The section was checked: this reads it once more up to that type. */
static void type_text(const struct reader *r, uint32_t type, char *text, size_t room)
{
	struct cursor c = r->sections[TYPE];

	text[0] = 0;
	cursor_u32(&c);
	for (uint32_t i = 0; i <= type && type < r->types; i++)
		read_type(&c, i == type ? text : NULL, room);
}

/* ---- names ---- */

static bool is_plain(const uint8_t *name, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (!((name[i] | 32) >= 'a' && (name[i] | 32) <= 'z') &&
		    !(name[i] >= '0' && name[i] <= '9') && !strchr("_.$-", name[i]))
			return false;
	return len > 0 && len <= RH_MODULE_NAME_MAX && !memchr(name, 0, len);
}

static bool is_word(const struct cursor *name, const char *word)
{
	size_t len = (size_t)(name->end - name->at);

	return strlen(word) == len && memcmp(name->at, word, len) == 0;
}

static int check_name(const struct reader *r, const struct cursor *name, enum section s)
{
	uint32_t len = (uint32_t)(name->end - name->at);

	if (is_plain(name->at, len))
		return RH_OK;
	return REFUSE(r, "byte %zu: a name in the %s section has other characters than "
	              "letters, digits and _ . $ -, or not 1 to %u of them; rename it",
	              place(r, name), section_names[s], RH_MODULE_NAME_MAX);
}

/* ---- imports ---- */

static void list_imports(const struct rh_hook *hook, char *text, size_t room)
{
	text[0] = 0;
	for (unsigned i = 0; i < hook->import_count; i++) {
		if (i)
			strncat(text, ", ", room - strlen(text) - 1);
		strncat(text, hook->imports[i].name, room - strlen(text) - 1);
	}
}

static int check_type(const struct reader *r, const char *module, const char *name,
                      const char *wanted, uint32_t type)
{
	char text[48], found[48], signature[32];

	type_text(r, type, signature, sizeof signature);
	if (strcmp(signature, wanted) == 0)
		return RH_OK;
	return REFUSE(r, "the module imports %s.%s as %s, it is %s; %s", module, name,
	              rh_hook_type(signature, found), rh_hook_type(wanted, text),
	              strcmp(module, "rhodes") == 0 ? "include <rhodes/rule.h>" :
	              "build it for wasm32-wasi, preview 1");
}

static int refuse_import(const struct reader *r, const struct cursor *module,
                         const struct cursor *name)
{
	ptrdiff_t module_bytes = module->end - module->at, bytes = name->end - name->at;
	char      list[64];

	if (is_word(module, RH_WASI_MODULE))
		return REFUSE(r, "the module imports " RH_WASI_MODULE ".%.*s, which no capability "
		              "gives: a rule has no files, sockets or processes",
		              (int)(bytes < 40 ? bytes : 40), (const char *)name->at);
	list_imports(r->hook, list, sizeof list);
	return REFUSE(r, "the module imports %.*s.%.*s; hook %s gives it only %s of module "
	              "rhodes: link it without a system library",
	              (int)(module_bytes < 40 ? module_bytes : 40), (const char *)module->at,
	              (int)(bytes < 40 ? bytes : 40), (const char *)name->at, r->hook->name,
	              list);
}

static int check_import(struct reader *r, const struct cursor *module,
                        const struct cursor *name, uint32_t type)
{
	for (unsigned i = 0; is_word(module, "rhodes") && i < r->hook->import_count; i++) {
		if (!is_word(name, r->hook->imports[i].name))
			continue;
		r->module.imports |= 1u << i;
		return check_type(r, "rhodes", r->hook->imports[i].name,
		                  r->hook->imports[i].signature, type);
	}
	for (unsigned i = 0; is_word(module, RH_WASI_MODULE) && i < RH_WASI_FUNCTIONS; i++) {
		if (!is_word(name, rh_wasi_functions[i].name))
			continue;
		r->module.wasi |= 1u << i;
		return check_type(r, RH_WASI_MODULE, rh_wasi_functions[i].name,
		                  rh_wasi_functions[i].signature, type);
	}
	return refuse_import(r, module, name);
}

static int check_imports(struct reader *r)
{
	struct cursor c;
	int           err = entries(r, IMPORT, RH_MODULE_IMPORTS_MAX, &c, &r->imported);

	for (uint32_t i = 0; err == RH_OK && i < r->imported; i++) {
		struct cursor module = cursor_part(&c, cursor_u32(&c));
		struct cursor name = cursor_part(&c, cursor_u32(&c));
		uint8_t       kind = cursor_byte(&c);
		uint32_t      type = cursor_u32(&c);

		if (c.failed)
			return cut_short(r, &c, IMPORT);
		if ((err = check_name(r, &module, IMPORT)) < 0 ||
		    (err = check_name(r, &name, IMPORT)) < 0)
			return err;
		if (kind != A_FUNCTION)
			return REFUSE(r, "byte %zu: the module imports a %s; a rule has its own",
			              place(r, &name), kind < 4 ? kind_names[kind] : "tag");
		err = type < r->types ? check_import(r, &module, &name, type) :
		                        cut_short(r, &c, IMPORT);
	}
	return err < 0 || !r->imported ? err : finished(r, &c, IMPORT);
}

/* ---- functions, tables, memory, globals ---- */

static int check_functions(struct reader *r)
{
	struct cursor c;
	int err = entries(r, FUNCTION, RH_MODULE_FUNCTIONS_MAX, &c, &r->module.functions);

	if (err < 0 || !r->module.functions)
		return err;
	for (uint32_t i = 0; i < r->module.functions && !c.failed; i++)
		if (cursor_u32(&c) >= r->types)
			c.failed = true;
	return finished(r, &c, FUNCTION);
}

/* The type of a function of its own; both sections were checked. */
static uint32_t type_of(const struct reader *r, uint32_t function)
{
	struct cursor c = r->sections[FUNCTION];
	uint32_t      type = 0;

	cursor_u32(&c);
	for (uint32_t i = 0; i <= function - r->imported; i++)
		type = cursor_u32(&c);
	return type;
}

/* flags, least, most */
static uint32_t read_limits(struct cursor *c)
{
	uint8_t  flags = cursor_byte(c);
	uint32_t least = cursor_u32(c);

	if (flags & 1)
		cursor_u32(c);
	if (flags > 1) /* shared, or with 64 bits */
		c->failed = true;
	return least;
}

static int check_tables(struct reader *r)
{
	struct cursor c;
	int           err = entries(r, TABLE, RH_MODULE_TABLES_MAX, &c, &r->tables);
	uint64_t      elements = 0;

	if (err < 0 || !r->tables)
		return err;
	for (uint32_t i = 0; i < r->tables && !c.failed; i++) {
		if (letter(cursor_byte(&c)) != 'r')
			c.failed = true;
		elements += read_limits(&c);
	}
	if (elements > RH_RULE_ELEMENTS_MAX)
		return rh_diag_set(r->diag, RH_EMSGSIZE, "the tables have %llu elements, at most "
		                   "%u are allowed; make them smaller",
		                   (unsigned long long)elements, RH_RULE_ELEMENTS_MAX);
	r->module.elements = (uint32_t)elements;
	return finished(r, &c, TABLE);
}

static int check_memory(struct reader *r)
{
	struct cursor c;
	int           err = entries(r, MEMORY, 1, &c, &r->memories);
	uint64_t      bytes;

	if (err < 0)
		return err;
	if (!r->memories)
		return REFUSE(r, "the module has no memory, so no buffer of hook %s; define and "
		              "export one as \"memory\"", r->hook->name);
	r->module.memory_pages = read_limits(&c);
	bytes = (uint64_t)r->module.memory_pages * RH_RULE_PAGE;
	if (c.failed)
		return REFUSE(r, "byte %zu: the memory is shared or has 64 bit addresses; build "
		              "for wasm32 without threads", place(r, &c));
	if (bytes > r->memory_bytes)
		return rh_diag_set(r->diag, RH_EMSGSIZE, "the module begins with %llu KiB of "
		                   "memory, its limit is %u KiB; raise memory or make "
		                   "its stack and data smaller",
		                   (unsigned long long)(bytes >> 10), r->memory_bytes >> 10);
	if (bytes < r->hook->buffer_bytes)
		return REFUSE(r, "the module begins with %llu bytes of memory, the buffer of hook "
		              "%s alone has %u", (unsigned long long)bytes, r->hook->name,
		              r->hook->buffer_bytes);
	return finished(r, &c, MEMORY);
}

static int check_counts(const struct reader *r)
{
	static const struct {
		enum section section;
		uint32_t     max;
	} counted[] = {
		{ GLOBAL, RH_MODULE_GLOBALS_MAX },
		{ ELEMENT, RH_MODULE_SEGMENTS_MAX },
		{ DATA, RH_MODULE_SEGMENTS_MAX },
	};
	struct cursor c;
	uint32_t      count;
	int           err = RH_OK;

	for (size_t i = 0; i < 3 && err == RH_OK; i++)
		err = entries(r, counted[i].section, counted[i].max, &c, &count);
	return err;
}

/* ---- exports ---- */

static int check_hook_export(struct reader *r, unsigned slot, uint8_t kind,
                             uint32_t index)
{
	const struct rh_hook_function *wanted = &r->hook->exports[slot];
	char signature[32], type[48], found[48];

	if (kind != A_FUNCTION)
		return REFUSE(r, "the module exports %s as a %s, hook %s wants a function",
		              wanted->name, kind_names[kind], r->hook->name);
	if (index < r->imported || index - r->imported >= r->module.functions)
		return REFUSE(r, "the module exports %s, but the function is an import or none",
		              wanted->name);
	type_text(r, type_of(r, index), signature, sizeof signature);
	if (strcmp(signature, wanted->signature) != 0)
		return REFUSE(r, "the module exports %s as %s, hook %s version %u wants %s; "
		              "include <rhodes/hook/%s.h>", wanted->name,
		              rh_hook_type(signature, found), r->hook->name, r->hook->version,
		              rh_hook_type(wanted->signature, type), r->hook->name);
	r->module.exports |= 1u << slot;
	return RH_OK;
}

/* What the linker of a reactor makes, to be called before all else. */
static int check_initialize(struct reader *r, uint32_t index)
{
	char signature[32], found[48];

	if (index < r->imported || index - r->imported >= r->module.functions)
		return REFUSE(r, "the module exports _initialize, but the function is an import "
		              "or none");
	type_text(r, type_of(r, index), signature, sizeof signature);
	if (strcmp(signature, ":") != 0)
		return REFUSE(r, "the module exports _initialize as %s, a reactor's is (); name "
		              "it otherwise", rh_hook_type(signature, found));
	r->module.has_initialize = true;
	return RH_OK;
}

static int check_export(struct reader *r, const struct cursor *name, uint8_t kind,
                        uint32_t index)
{
	if (is_word(name, "_initialize") && kind == A_FUNCTION)
		return check_initialize(r, index);
	if (is_word(name, "memory") && kind == A_MEMORY)
		r->is_memory_exported = true;
	for (unsigned slot = 0; slot < r->hook->export_count; slot++)
		if (is_word(name, r->hook->exports[slot].name))
			return check_hook_export(r, slot, kind, index);
	return RH_OK;
}

static int check_needed(const struct reader *r)
{
	char type[48];

	for (unsigned slot = 0; slot < r->hook->export_count; slot++) {
		const struct rh_hook_function *wanted = &r->hook->exports[slot];

		if (wanted->is_needed && !(r->module.exports & 1u << slot))
			return REFUSE(r, "the module exports no function %s %s, which hook %s "
			              "version %u needs; define it, and RH_RULE(%s)", wanted->name,
			              rh_hook_type(wanted->signature, type), r->hook->name,
			              r->hook->version, r->hook->name);
	}
	if (!r->is_memory_exported)
		return REFUSE(r, "the module does not export its memory as \"memory\"; link it so");
	return RH_OK;
}

static int check_exports(struct reader *r)
{
	struct cursor c;
	uint32_t      count;
	int           err = entries(r, EXPORT, RH_MODULE_EXPORTS_MAX, &c, &count);

	for (uint32_t i = 0; err == RH_OK && i < count; i++) {
		struct cursor name = cursor_part(&c, cursor_u32(&c));
		uint8_t       kind = cursor_byte(&c);
		uint32_t      index = cursor_u32(&c);

		if (c.failed || kind > A_GLOBAL)
			return cut_short(r, &c, EXPORT);
		err = check_name(r, &name, EXPORT);
		if (err == RH_OK)
			err = check_export(r, &name, kind, index);
	}
	if (err == RH_OK && count)
		err = finished(r, &c, EXPORT);
	return err < 0 ? err : check_needed(r);
}

/* ---- code ---- */

/* Groups of locals, each a count and a type. */
static uint64_t read_locals(struct cursor *body)
{
	uint32_t groups = cursor_u32(body);
	uint64_t locals = 0;

	for (uint32_t i = 0; i < groups && !body->failed; i++) {
		locals += cursor_u32(body);
		if (!letter(cursor_byte(body)))
			body->failed = true;
	}
	return locals;
}

static int check_code(struct reader *r)
{
	struct cursor c;
	uint32_t      count;
	int           err = entries(r, CODE, RH_MODULE_FUNCTIONS_MAX, &c, &count);

	if (err < 0)
		return err;
	if (count != r->module.functions)
		return REFUSE(r, "%u functions are declared and %u have code; the file is damaged",
		              r->module.functions, count);
	for (uint32_t i = 0; i < count; i++) {
		struct cursor body = cursor_part(&c, cursor_u32(&c));
		size_t        len = (size_t)(body.end - body.at);
		uint64_t      locals = read_locals(&body);

		if (c.failed || body.failed)
			return cut_short(r, &c, CODE);
		if (len > RH_MODULE_BODY_MAX || locals > RH_MODULE_LOCALS_MAX)
			return rh_diag_set(r->diag, RH_EMSGSIZE, "function %u has %zu bytes and %llu "
			                   "locals, at most %u and %u are allowed; split it",
			                   i + r->imported, len, (unsigned long long)locals,
			                   RH_MODULE_BODY_MAX, RH_MODULE_LOCALS_MAX);
		r->module.code_bytes += (uint32_t)len;
	}
	return count ? finished(r, &c, CODE) : RH_OK;
}

/* ---- the whole ---- */

static int check_head(const struct reader *r, size_t len)
{
	static const uint8_t magic[4] = { 0, 'a', 's', 'm' }, version[4] = { 1, 0, 0, 0 };

	if (len > RH_MODULE_BYTES_MAX)
		return rh_diag_set(r->diag, RH_EMSGSIZE, "the module has %zu bytes, at most %u are "
		                   "allowed; strip it (wasm-strip)", len, RH_MODULE_BYTES_MAX);
	if (len < 8 || memcmp(r->bytes, magic, 4) != 0)
		return REFUSE(r, "not a WebAssembly module: it does not begin with \\0asm");
	if (memcmp(r->bytes + 4, version, 4) != 0)
		return REFUSE(r, "byte 4: version %u of WebAssembly's binary format, 1 is "
		              "understood; a component must be a module", r->bytes[4]);
	return RH_OK;
}

int rh_module_read(const uint8_t *bytes, size_t len, const struct rh_hook *hook,
                   uint32_t memory_bytes, struct rh_module *ret_module,
                   struct rh_diag *diag)
{
	struct reader r = {
		.bytes = bytes, .hook = hook, .diag = diag, .memory_bytes = memory_bytes,
	};
	int err = check_head(&r, len);

	if (err < 0 || (err = find_sections(&r, len)) < 0 || (err = check_types(&r)) < 0 ||
	    (err = check_imports(&r)) < 0 || (err = check_functions(&r)) < 0 ||
	    (err = check_tables(&r)) < 0 || (err = check_memory(&r)) < 0 ||
	    (err = check_counts(&r)) < 0 || (err = check_exports(&r)) < 0 ||
	    (err = check_code(&r)) < 0)
		return err;
	r.module.has_start = r.sections[START].at != NULL;
	*ret_module = r.module;
	return RH_OK;
}

size_t rh_module_strip(const uint8_t *bytes, size_t len, uint8_t *into)
{
	struct cursor c = { bytes + 8, bytes + len, false };
	size_t        used = 8;

	RH_CHECK(len >= 8);
	memcpy(into, bytes, 8);
	while (c.at < c.end) {
		const uint8_t *begin = c.at;
		uint8_t        id = cursor_byte(&c);

		cursor_part(&c, cursor_u32(&c));
		RH_CHECK(!c.failed);
		if (id == CUSTOM)
			continue;
		memcpy(into + used, begin, (size_t)(c.at - begin));
		used += (size_t)(c.at - begin);
	}
	return used;
}
