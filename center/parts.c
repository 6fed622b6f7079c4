#include "parts.h"

#include "builder.h"
#include "key.h"
#include "probe.h"
#include "store/store.h"

#include "../base/diag.h"
#include "../base/failpoint.h"
#include "../base/size.h"
#include "../model/check.h"
#include "../model/error.h"
#include "../rules/ebpf/object.h"
#include "../rules/hook.h"
#include "../rules/limits.h"
#include "../rules/module.h"
#include "../rules/wasi.h"
#include "../rules/wasm/cpu.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#define TAR_MAGIC_AT 257u

/* A part while it is looked at. */
struct part {
	const char           *mode;
	size_t                bytes;
	int                   err;
	struct rh_diag        diag;    /* why it will not do            */
	struct rh_module      module;  /* of WebAssembly                */
	struct rh_bpf_object  ebpf;    /* of mode ebpf                  */
	struct rh_build_wanted wanted; /* of it                        */
	char                  tools[65];
	struct rh_builder    *builder;
	int                 (*look)(struct part *part, const unsigned char *bytes);
};

/* ---- what a part looks like ---- */

static int refuse_look(struct part *part, const char *why)
{
	return rh_diag_set(&part->diag, RH_EINVAL, "%s", why);
}

static int look_at_source(struct part *part, const unsigned char *bytes)
{
	if (part->bytes < 512 || memcmp(bytes + TAR_MAGIC_AT, "ustar", 5) != 0)
		return refuse_look(part, "it is not a tar");
	return RH_OK;
}

static int look_at_wasm(struct part *part, const unsigned char *bytes)
{
	int err = rh_module_read(bytes, part->bytes, part->wanted.hook, part->wanted.memory,
	                         &part->module, &part->diag);

	return err ? err : rh_wasi_check(part->module.wasi, part->wanted.capabilities, &part->diag);
}

static int look_at_object(struct part *part, const unsigned char *bytes)
{
	Elf64_Ehdr head;

	if (strcmp(part->mode, "ebpf") == 0)
		return rh_bpf_object_read(bytes, part->bytes, &part->ebpf, &part->diag);
	if (part->bytes < sizeof head || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return refuse_look(part, "it is not an object: it does not begin with "
		                   "\"\\x7f" "ELF\"");
	memcpy(&head, bytes, sizeof head);
	if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB)
		return refuse_look(part, "it is not an object of 64 bits, little end first");
	if (head.e_machine == EM_X86_64 && head.e_type == ET_DYN)
		return RH_OK;
	return refuse_look(part, "it is not a shared object for x86-64");
}

static const struct {
	const char *what;
	int       (*look)(struct part *part, const unsigned char *bytes);
} kinds[RH_PARTS_MAX] = {
	{ "source", look_at_source },
	{ "wasm",   look_at_wasm },
	{ "object", look_at_object },
};

/* ---- one part ---- */

static int see(void *user, const struct rh_store_record *record)
{
	struct part *part = user;

	part->bytes = record->value_bytes;
	part->err = part->look(part, record->value);
	return 0;
}

static int refuse(struct rh_problem *problem, int code, const char *what,
                  const char *sha256, const char *why)
{
	rh_problem_set(problem, code, "/parts/%s: module %s: %s", what, sha256, why);
	snprintf(problem->pointer, sizeof problem->pointer, "/parts/%s", what);
	return code;
}

static int collect_one(struct rh_center *center, const char *what, struct part *part,
                       const char *sha256, json_t *parts, struct rh_problem *problem)
{
	if (!rh_catalog_find(&center->realm.catalog, RH_OBJECT_MODULE, sha256))
		return refuse(problem, RH_EPENDING, what, sha256, "it is not here: put its "
		              "bytes first, PUT /apis/v1/modules/<sha256>");
	int err = rh_store_blob_get(center->store, sha256, see, part);
	if (err < 0)
		return refuse(problem, err == RH_ENOENT ? RH_ESTORE : err, what, sha256,
		              "it cannot be read from the store");
	if (part->err)
		return refuse(problem, part->err, what, sha256, part->diag.text);
	json_object_set_new(parts, what, json_pack("{s:I, s:s}", "bytes",
	                    (json_int_t)part->bytes, "sha256", sha256));
	return RH_OK;
}

/* ---- the objects ---- */

/* By enum rh_build_variant; agents look for these. */
static const char *const object_names[RH_PARTS_OBJECTS] = {
	[0] = "object",
	[RH_BUILD_PORTABLE] = "object_portable",
	[RH_BUILD_FUEL] = "object_fuel",
	[RH_BUILD_PORTABLE | RH_BUILD_FUEL] = "object_portable_fuel",
};

static int submit(void *user, const struct rh_store_record *record)
{
	struct part *part = user;

	part->err = rh_builder_submit(part->builder, &part->wanted, record->value,
	                              record->value_bytes);
	return 0;
}

/* It has to be built first. */
static int begin_build(struct rh_center *center, struct part *part,
                       struct rh_parts *ret_parts, struct rh_problem *problem)
{
	int err = rh_store_blob_get(center->store, part->wanted.sha256, submit, part);

	if (err < 0)
		return refuse(problem, RH_ESTORE, "wasm", part->wanted.sha256,
		              "it cannot be read from the store");
	if (part->err == RH_ENOSPC)
		return refuse(problem, RH_EAGAIN, "wasm", part->wanted.sha256,
		              "too many modules are being built: publish it again");
	if (part->err)
		return refuse(problem, part->err, "wasm", part->wanted.sha256, "it cannot be built: who builds it ended, start the center anew");
	ret_parts->is_building = 1;
	rh_failpoint("build-ordered");
	return RH_OK;
}

static int add_object(struct rh_center *center, struct part *part, json_t *parts,
                      struct rh_parts *ret_parts, struct rh_problem *problem)
{
	struct rh_built_object object;
	struct rh_diag         diag = { 0 };
	int err = rh_builder_take(center->builder, &part->wanted, &object, &diag);

	part->builder = center->builder;
	if (err == RH_ENOENT)
		return begin_build(center, part, ret_parts, problem);
	if (err == RH_EAGAIN) {
		ret_parts->is_building = 1;
		return RH_OK;
	}
	if (err)
		return refuse(problem, err, "wasm", part->wanted.sha256, diag.text);
	if (object.len > RH_BUILT_MAX)
		return refuse(problem, RH_EMSGSIZE, "wasm", part->wanted.sha256,
		              "the object that it becomes is larger than 32 MiB");
	struct rh_parts_object *kept = &ret_parts->objects[ret_parts->object_count++];
	kept->bytes = object.bytes;
	kept->len = object.len;
	rh_sha256_hex(object.bytes, object.len, kept->sha256);
	json_object_set_new(parts, object_names[part->wanted.variant],
	                    json_pack("{s:I, s:s}", "bytes", (json_int_t)object.len,
	                              "sha256", kept->sha256));
	snprintf(part->tools, sizeof part->tools, "%s", object.tools);
	return RH_OK;
}

/* Each combination of what was asked for, so that every node finds its own. */
static int add_objects(struct rh_center *center, struct part *part, unsigned wanted,
                       json_t *parts, struct rh_parts *ret_parts,
                       struct rh_problem *problem)
{
	int err = RH_OK;

	for (unsigned variant = 0; variant < RH_PARTS_OBJECTS && !err; variant++) {
		part->wanted.variant = variant;
		if (!(variant & ~wanted))
			err = add_object(center, part, parts, ret_parts, problem);
	}
	return err;
}

/* The functions of the hook that the module has, by name. */
static json_t *exports_json(const struct part *part)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < part->wanted.hook->export_count; i++) {
		if (part->module.exports & 1u << i)
			json_array_append_new(list, json_string(part->wanted.hook->exports[i].name));
	}
	return list;
}

/* What the center adds to what was published; takes parts. */
static void complete(json_t *manifest, const struct part *part, json_t *parts)
{
	json_object_set_new(manifest, "format", json_integer(RH_PARTS_FORMAT));
	json_object_set_new(manifest, "parts", parts);
	if (!json_object_get(manifest, "capabilities"))
		json_object_set_new(manifest, "capabilities", json_array());
	if (!json_object_get(manifest, "memory"))
		json_object_set_new(manifest, "memory", json_string(RH_PARTS_MEMORY));
	if (json_object_get(parts, "wasm"))
		json_object_set_new(manifest, "exports", exports_json(part));
	if (part->ebpf.program_count)
		rh_probe_describe(manifest, &part->ebpf);
	if (part->tools[0])
		json_object_set_new(manifest, "tools", json_string(part->tools));
}

static uint32_t capabilities(const json_t *published)
{
	uint32_t set = 0;
	size_t   i;
	json_t  *item;

	json_array_foreach(json_object_get(published, "capabilities"), i, item)
		set |= 1u << rh_capability_find(json_string_value(item));
	return set;
}

/* What is to be built besides the usual object; for nodes like this one always. */
static unsigned variants(const json_t *published)
{
	unsigned set = rh_cpu_has_gs() ? 0 : RH_BUILD_PORTABLE;
	size_t   i;
	json_t  *item;

	json_array_foreach(json_object_get(published, "variants"), i, item)
		set |= strcmp(json_string_value(item), "fuel") == 0 ? RH_BUILD_FUEL :
		                                                      RH_BUILD_PORTABLE;
	return set;
}

int rh_parts_collect(struct rh_center *center, const json_t *published,
                     struct rh_parts *ret_parts, struct rh_problem *problem)
{
	const json_t *named = json_object_get(published, "parts");
	const char   *memory = json_string_value(json_object_get(published, "memory"));
	struct part   part = {
		.mode = json_string_value(json_object_get(published, "mode")),
		.wanted = {
			.hook = rh_hook_find(json_string_value(json_object_get(published, "hook"))),
			.capabilities = capabilities(published),
		},
	};
	uint64_t room = 0;
	json_t  *parts = json_object();
	int      err = rh_size_read(memory ? memory : RH_PARTS_MEMORY, RH_CODE_MEMORY_MAX,
	                            &room);

	RH_CHECK(!err && part.wanted.hook); /* rh_shape_module saw to it */
	*ret_parts = (struct rh_parts){ .manifest = NULL };
	part.wanted.memory = (uint32_t)room;
	for (size_t i = 0; i < RH_PARTS_MAX && !err; i++) {
		const char *sha256 = json_string_value(json_object_get(named,
		                                                       kinds[i].what));
		part.look = kinds[i].look;
		if (sha256)
			err = collect_one(center, kinds[i].what, &part, sha256, parts, problem);
	}
	const char *wasm = json_string_value(json_object_get(named, "wasm"));
	if (!err && wasm && center->builder) {
		snprintf(part.wanted.sha256, sizeof part.wanted.sha256, "%s", wasm);
		err = add_objects(center, &part, variants(published), parts, ret_parts, problem);
	}
	if (err || ret_parts->is_building) {
		json_decref(parts);
		return err;
	}
	json_t *manifest = json_copy((json_t *)(uintptr_t)published);
	if (!manifest) {
		json_decref(parts);
		return rh_problem_set(problem, RH_ENOMEM, "the center is out of memory");
	}
	complete(manifest, &part, parts);
	ret_parts->manifest = manifest;
	return RH_OK;
}

/* ---- who names what ---- */

const json_t *rh_parts_manifest(const json_t *stored)
{
	return json_object_get(json_object_get(stored, "spec"), "manifest");
}

void rh_parts_user(const struct rh_realm *realm, const char *sha256, const char *but,
                   char text[RH_PARTS_USER_MAX])
{
	static const struct {
		enum rh_object_kind kind;
		const char         *word;
	} users[] = {
		{ RH_OBJECT_RULE, "rule" }, { RH_OBJECT_INTERFACE, "interface" },
		{ RH_OBJECT_MODULE, "module" },
	};

	text[0] = '\0';
	for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
		size_t                   count;
		struct rh_object *const *at = rh_catalog_after(&realm->catalog,
		                                               users[i].kind, NULL, &count);

		for (size_t j = 0; j < count && !text[0]; j++) {
			if (strstr(at[j]->text, sha256) && (!but || strcmp(at[j]->name, but) != 0))
				snprintf(text, RH_PARTS_USER_MAX, "%s %s", users[i].word,
				         at[j]->name);
		}
	}
}
