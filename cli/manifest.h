/* manifest - the objects of files, folders and standard input, each with its place.
 *
 * A file is YAML or JSON; a folder stands for its *.yaml, *.yml and *.json files in
 * order of name.  A document is one object, a list of objects, or {"items": [...]}
 * as the center prints it.  What only the center may say (status, revision,
 * generation, uid) is taken out, so what `rhodes get -o yaml` printed can be
 * applied again.
 *
 * Ownership   rh_manifest_close frees everything; objects are borrowed.
 * Threads     One.
 * Limits      those of base/yaml.h; RH_MANIFEST_FILES_MAX files. */
#ifndef RH_CLI_MANIFEST_H
#define RH_CLI_MANIFEST_H

#include "../model/error.h"

#include <jansson.h>
#include <stddef.h>

#define RH_MANIFEST_FILES_MAX 4096u
#define RH_MANIFEST_PLACE_MAX 1200

struct rh_manifest;

struct rh_manifest *rh_manifest_create(void);
void rh_manifest_destroy(struct rh_manifest *manifest);

/* Reads path ("-" is standard input).  diag tells what is wrong, with the place in
 * front ("file:line:column: ...").
 * RH_ENOENT    no such file, or a folder without manifests.
 * RH_EINVAL    wrong YAML, or no object; RH_EEXIST the object stands there twice.
 * RH_EMSGSIZE  a limit; RH_EIO it cannot be read. */
int rh_manifest_add(struct rh_manifest *manifest, const char *path,
                    struct rh_diag *diag);

size_t rh_manifest_count(const struct rh_manifest *manifest);

json_t     *rh_manifest_object(const struct rh_manifest *manifest, size_t index);
const char *rh_manifest_kind(const struct rh_manifest *manifest, size_t index);
const char *rh_manifest_name(const struct rh_manifest *manifest, size_t index);

/* The folder of the file the object stands in; "." for standard input. */
const char *rh_manifest_folder(const struct rh_manifest *manifest, size_t index);

/* Makes the files that resources are served by absolute, where they are given as
 * paths: "./libfoo.so" is beside the manifest, whatever directory the reader or a
 * worker is in.  A name without a slash is left to the loader.
 * RH_ENOMEM, RH_EMSGSIZE. */
int rh_manifest_resolve(struct rh_manifest *manifest, struct rh_diag *diag);

/* Writes "file:line:column" of the value at pointer within the object; place has
 * RH_MANIFEST_PLACE_MAX bytes.  Returns place. */
char *rh_manifest_where(const struct rh_manifest *manifest, size_t index,
                        const char *pointer, char *place);

#endif
