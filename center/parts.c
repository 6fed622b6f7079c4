#include "parts.h"

#include "store/store.h"

#include "../model/error.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#define TAR_MAGIC_AT 257u

/* ---- what a part looks like ---- */

typedef const char *look_at(const unsigned char *bytes, size_t len, const char *mode);

static const char *look_at_source(const unsigned char *bytes, size_t len,
                                  const char *mode)
{
	(void)mode;
	if (len < 512 || memcmp(bytes + TAR_MAGIC_AT, "ustar", 5) != 0)
		return "is not a tar";
	return NULL;
}

static const char *look_at_wasm(const unsigned char *bytes, size_t len,
                                const char *mode)
{
	(void)mode;
	if (len < 8 || memcmp(bytes, "\0asm", 4) != 0)
		return "is not WebAssembly: it does not begin with \"\\0asm\"";
	if (memcmp(bytes + 4, "\1\0\0\0", 4) != 0)
		return "is not WebAssembly of version 1: a component cannot be a rule";
	return NULL;
}

static const char *look_at_object(const unsigned char *bytes, size_t len,
                                  const char *mode)
{
	Elf64_Ehdr head;

	if (len < sizeof head || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return "is not an object: it does not begin with \"\\x7f" "ELF\"";
	memcpy(&head, bytes, sizeof head);
	if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB)
		return "is not an object of 64 bits, little end first";
	if (strcmp(mode, "ebpf") == 0)
		return head.e_machine == EM_BPF && head.e_type == ET_REL ? NULL
		       : "is not an object of eBPF";
	if (head.e_machine == EM_X86_64 && head.e_type == ET_DYN)
		return NULL;
	return "is not a shared object for x86-64";
}

static const struct {
	const char *what;
	look_at    *look;
} kinds[RH_PARTS_MAX] = {
	{ "source", look_at_source },
	{ "wasm",   look_at_wasm },
	{ "object", look_at_object },
};

/* ---- one part ---- */

struct part {
	look_at    *look;
	const char *mode;
	const char *why;  /* it will not do */
	size_t      bytes;
};

static int see(void *user, const struct rh_store_record *record)
{
	struct part *part = user;

	part->bytes = record->value_bytes;
	part->why = part->look(record->value, record->value_bytes, part->mode);
	return 0;
}

static int refuse(struct rh_problem *problem, int code, const char *what,
                  const char *sha256, const char *why)
{
	rh_problem_set(problem, code, "/parts/%s: module %s %s", what, sha256, why);
	snprintf(problem->pointer, sizeof problem->pointer, "/parts/%s", what);
	return code;
}

static int collect_one(struct rh_center *center, const char *what, look_at *look,
                       const char *mode, const char *sha256, json_t *parts,
                       struct rh_problem *problem)
{
	struct part part = { .look = look, .mode = mode };

	if (!rh_catalog_find(&center->realm.catalog, RH_OBJECT_MODULE, sha256))
		return refuse(problem, RH_EPENDING, what, sha256, "is not here: put its bytes "
		              "first, PUT /apis/v1/modules/<sha256>");
	int err = rh_store_blob_get(center->store, sha256, see, &part);
	if (err < 0)
		return refuse(problem, err == RH_ENOENT ? RH_ESTORE : err, what, sha256,
		              "cannot be read from the store");
	if (part.why)
		return refuse(problem, RH_EINVAL, what, sha256, part.why);
	json_object_set_new(parts, what, json_pack("{s:I, s:s}", "bytes",
	                    (json_int_t)part.bytes, "sha256", sha256));
	return RH_OK;
}

int rh_parts_collect(struct rh_center *center, const json_t *published,
                     json_t **ret_manifest, struct rh_problem *problem)
{
	const json_t *named = json_object_get(published, "parts");
	const char   *mode = json_string_value(json_object_get(published, "mode"));
	json_t       *parts = json_object();
	int           err = RH_OK;

	for (size_t i = 0; i < RH_PARTS_MAX && !err; i++) {
		const char *sha256 = json_string_value(json_object_get(named,
		                                                       kinds[i].what));
		if (sha256)
			err = collect_one(center, kinds[i].what, kinds[i].look, mode, sha256,
			                  parts, problem);
	}
	json_t *manifest = err ? NULL : json_copy((json_t *)(uintptr_t)published);
	if (!err && !manifest)
		err = rh_problem_set(problem, RH_ENOMEM, "the center is out of memory");
	if (err) {
		json_decref(parts);
		return err;
	}
	json_object_set_new(manifest, "format", json_integer(RH_PARTS_FORMAT));
	json_object_set_new(manifest, "parts", parts);
	if (!json_object_get(manifest, "capabilities"))
		json_object_set_new(manifest, "capabilities", json_array());
	*ret_manifest = manifest;
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
