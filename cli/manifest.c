#include "manifest.h"

#include "../base/diag.h"
#include "../base/yaml.h"
#include "../model/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POINTER_MAX 64

struct source {
	char           *path;
	char           *folder;
	struct rh_yaml *yaml;
};

struct object {
	json_t *value;                 /* borrowed from the source       */
	size_t  source;
	size_t  document;
	char    pointer[POINTER_MAX];  /* of the object in its document  */
};

struct rh_manifest {
	struct source  sources[RH_MANIFEST_FILES_MAX];
	size_t         source_count;
	struct object *objects;
	size_t         count;
	size_t         capacity;
	json_t        *index;          /* "Kind/name" -> number of object */
};

struct rh_manifest *rh_manifest_create(void)
{
	struct rh_manifest *manifest = calloc(1, sizeof *manifest);

	if (manifest && !(manifest->index = json_object())) {
		free(manifest);
		manifest = NULL;
	}
	return manifest;
}

void rh_manifest_destroy(struct rh_manifest *manifest)
{
	if (!manifest)
		return;
	for (size_t i = 0; i < manifest->source_count; i++) {
		free(manifest->sources[i].path);
		free(manifest->sources[i].folder);
		rh_yaml_destroy(manifest->sources[i].yaml);
	}
	free(manifest->objects);
	json_decref(manifest->index);
	free(manifest);
}

size_t rh_manifest_count(const struct rh_manifest *manifest)
{
	return manifest->count;
}

json_t *rh_manifest_object(const struct rh_manifest *manifest, size_t index)
{
	RH_CHECK(index < manifest->count);
	return manifest->objects[index].value;
}

const char *rh_manifest_kind(const struct rh_manifest *manifest, size_t index)
{
	return json_string_value(json_object_get(rh_manifest_object(manifest, index),
	                                         "kind"));
}

const char *rh_manifest_name(const struct rh_manifest *manifest, size_t index)
{
	const json_t *object = rh_manifest_object(manifest, index);

	return json_string_value(json_object_get(json_object_get(object, "metadata"),
	                                         "name"));
}

const char *rh_manifest_folder(const struct rh_manifest *manifest, size_t index)
{
	RH_CHECK(index < manifest->count);
	return manifest->sources[manifest->objects[index].source].folder;
}

static char *place_of(const struct rh_manifest *manifest, const struct object *object,
                      const char *pointer, char *place)
{
	const struct source *source = &manifest->sources[object->source];
	char                 whole[1024];
	struct rh_yaml_mark  mark;

	snprintf(whole, sizeof whole, "%s%s", object->pointer, pointer);
	mark = rh_yaml_where(source->yaml, object->document, whole);
	snprintf(place, RH_MANIFEST_PLACE_MAX, "%.1000s:%zu:%zu", source->path, mark.line,
	         mark.column);
	return place;
}

char *rh_manifest_where(const struct rh_manifest *manifest, size_t index,
                        const char *pointer, char *place)
{
	RH_CHECK(index < manifest->count);
	return place_of(manifest, &manifest->objects[index], pointer, place);
}

/* --- objects ------------------------------------------------------------------ */

static int refuse(const struct rh_manifest *manifest, const struct object *object,
                  const char *pointer, struct rh_diag *diag, const char *text)
{
	char place[RH_MANIFEST_PLACE_MAX];

	return rh_diag_set(diag, RH_EINVAL, "%.160s: %s",
	                   place_of(manifest, object, pointer, place), text);
}

static void take_out_what_the_center_says(json_t *value)
{
	json_t *metadata = json_object_get(value, "metadata");

	json_object_del(value, "status");
	json_object_del(metadata, "generation");
	json_object_del(metadata, "revision");
	json_object_del(metadata, "uid");
}

/* Refuses what has no kind or name, and what stands there twice. */
static int check_object(struct rh_manifest *manifest, const struct object *object,
                        struct rh_diag *diag)
{
	json_t     *metadata = json_object_get(object->value, "metadata");
	const char *kind = json_string_value(json_object_get(object->value, "kind"));
	const char *name = json_string_value(json_object_get(metadata, "name"));
	char        key[256], here[RH_MANIFEST_PLACE_MAX], there[RH_MANIFEST_PLACE_MAX];
	json_t     *known;

	if (!json_is_object(object->value))
		return refuse(manifest, object, "", diag,
		              "an object is a mapping with kind, metadata and spec");
	if (!kind)
		return refuse(manifest, object, "/kind", diag,
		              "kind is missing or is not a text: Resource, Rule, ...");
	if (!name)
		return refuse(manifest, object, "/metadata/name", diag,
		              "metadata.name is missing or is not a text");
	snprintf(key, sizeof key, "%.100s/%.150s", kind, name);
	known = json_object_get(manifest->index, key);
	if (!known) {
		json_object_set_new(manifest->index, key,
		                    json_integer((json_int_t)manifest->count));
		return RH_OK;
	}
	place_of(manifest, object, "/metadata/name", here);
	rh_manifest_where(manifest, (size_t)json_integer_value(known), "/metadata/name",
	                  there);
	return rh_diag_set(diag, RH_EEXIST, "%.90s: %.60s stands already in %.60s", here,
	                   key, there);
}

static int add_object(struct rh_manifest *manifest, struct object object,
                      struct rh_diag *diag)
{
	int r = check_object(manifest, &object, diag);

	if (r < 0)
		return r;
	if (manifest->count == manifest->capacity) {
		size_t         more = manifest->capacity ? manifest->capacity * 2 : 16;
		struct object *objects =
			realloc(manifest->objects, more * sizeof *objects);

		if (!objects)
			return rh_diag_set(diag, RH_ENOMEM, "out of memory");
		manifest->objects = objects;
		manifest->capacity = more;
	}
	take_out_what_the_center_says(object.value);
	manifest->objects[manifest->count++] = object;
	return RH_OK;
}

/* A document is an object or a list of them. */
static int add_document(struct rh_manifest *manifest, size_t document,
                        struct rh_diag *diag)
{
	struct object object = { .source = manifest->source_count - 1,
		                 .document = document };
	json_t *value = rh_yaml_document(manifest->sources[object.source].yaml, document);
	json_t     *items = json_object_get(value, "items");
	const char *prefix = json_is_array(items) ? "/items" : "";
	size_t      i;
	json_t     *item;
	int         r;

	if (json_is_array(value))
		items = value;
	if (!json_is_array(items)) {
		object.value = value;
		return add_object(manifest, object, diag);
	}
	json_array_foreach(items, i, item) {
		snprintf(object.pointer, sizeof object.pointer, "%s/%zu", prefix, i);
		object.value = item;
		r = add_object(manifest, object, diag);
		if (r < 0)
			return r;
	}
	return RH_OK;
}

/* --- files -------------------------------------------------------------------- */

static int read_all(int fd, char **ret_text, size_t *ret_len)
{
	size_t  capacity = 65536, len = 0;
	char   *text = malloc(capacity), *more;
	ssize_t got = -1;

	while (text && (got = read(fd, text + len, capacity - len)) > 0) {
		len += (size_t)got;
		/* One byte too many is enough for the parser to refuse it. */
		if (len > RH_YAML_BYTES_MAX)
			break;
		if (len < capacity)
			continue;
		capacity *= 2;
		more = realloc(text, capacity);
		if (!more)
			free(text);
		text = more;
	}
	if (got < 0) {
		free(text);
		return RH_EIO;
	}
	*ret_text = text;
	*ret_len = len;
	return RH_OK;
}

static int add_source(struct rh_manifest *manifest, const char *path,
                      struct rh_yaml *yaml, struct rh_diag *diag)
{
	struct source *source = &manifest->sources[manifest->source_count];
	const char    *slash = strrchr(path, '/');
	size_t         len = slash ? (size_t)(slash - path) : 0;

	source->path = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
	source->folder = len ? strndup(path, len) : strdup(slash ? "/" : ".");
	source->yaml = yaml;
	manifest->source_count++;
	if (!source->path || !source->folder)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	for (size_t i = 0; i < rh_yaml_count(yaml); i++) {
		int r = add_document(manifest, i, diag);

		if (r < 0)
			return r;
	}
	return RH_OK;
}

static int add_text(struct rh_manifest *manifest, const char *path, const char *text,
                    size_t len, struct rh_diag *diag)
{
	struct rh_yaml      *yaml;
	struct rh_yaml_mark  mark;
	struct rh_diag       reason = { 0 };
	int                  r = rh_yaml_parse(text, len, &yaml, &mark, &reason);

	if (r < 0)
		return rh_diag_set(diag, r, "%.120s:%zu:%zu: %.100s", path, mark.line,
		                   mark.column, reason.text);
	if (manifest->source_count == RH_MANIFEST_FILES_MAX) {
		rh_yaml_destroy(yaml);
		return rh_diag_set(diag, RH_EMSGSIZE, "more than %u files",
		                   RH_MANIFEST_FILES_MAX);
	}
	return add_source(manifest, path, yaml, diag);
}

static int add_file(struct rh_manifest *manifest, const char *path, struct rh_diag *diag)
{
	int    is_input = strcmp(path, "-") == 0;
	int    fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char  *text = NULL;
	size_t len = 0;
	int    r;

	if (fd < 0)
		return rh_diag_set(diag, errno == ENOENT ? RH_ENOENT : RH_EIO,
		                   "%.160s: %s", path, strerror(errno));
	r = read_all(fd, &text, &len);
	if (r < 0)
		rh_diag_set(diag, r, "%.160s: %s", path, strerror(errno));
	if (!is_input)
		close(fd);
	if (r == RH_OK && !text)
		r = rh_diag_set(diag, RH_ENOMEM, "out of memory");
	if (r == RH_OK)
		r = add_text(manifest, is_input ? "standard input" : path, text, len,
		             diag);
	free(text);
	return r;
}

static int is_manifest(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && dot != entry->d_name &&
	       (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 ||
	        strcmp(dot, ".json") == 0);
}

static int add_folder(struct rh_manifest *manifest, const char *path,
                      struct rh_diag *diag)
{
	struct dirent **entries = NULL;
	int             count = scandir(path, &entries, is_manifest, alphasort);
	int             r = RH_OK;

	if (count < 0)
		return rh_diag_set(diag, RH_EIO, "%.160s: %s", path, strerror(errno));
	if (count == 0)
		r = rh_diag_set(diag, RH_ENOENT,
		                "%.160s: no *.yaml, *.yml or *.json file in this folder",
		                path);
	for (int i = 0; i < count; i++) {
		char file[4096];

		snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
		if (r == RH_OK)
			r = add_file(manifest, file, diag);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int rh_manifest_add(struct rh_manifest *manifest, const char *path, struct rh_diag *diag)
{
	struct stat st;

	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return add_folder(manifest, path, diag);
	return add_file(manifest, path, diag);
}
