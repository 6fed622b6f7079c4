/* builder - the child of the center that makes objects of WebAssembly.
 *
 * One that is killed is followed by another (foreman.h), and what it was at is built anew,
 * up to RH_BUILD_LOSSES times.  It is started before the center opens anything and before it is confined, so it holds
 * nothing of the center's but one socket, and ends with it.  It builds one module at a
 * time, each tool in a jail (rules/wasm/jail.h); the center goes on meanwhile.  What
 * was built last is remembered, and what was built before is kept on disk
 * (builder_cache.h).
 *
 * Ownership   start gives it, close takes it; what take gives is borrowed until the
 *             next submit.
 * Threads     One.
 * Limits      RH_BUILDS_MAX builds waiting and remembered. */
#ifndef RH_CENTER_BUILDER_H
#define RH_CENTER_BUILDER_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define RH_BUILDS_MAX   16u
#define RH_BUILD_LOSSES 3u

struct rh_builder;
struct rh_diag;
struct rh_hook;

/* What an object is made of, and what tells it from others. */
struct rh_build_wanted {
	char                  sha256[65];   /* of the module */
	const struct rh_hook *hook;
	uint32_t              memory;       /* that an instance may have */
	uint32_t              capabilities; /* 1 << enum rh_capability of rules/wasi.h */
	uint32_t              variant;      /* of the object */
};

enum rh_build_variant {
	RH_BUILD_PORTABLE = 1, /* for processors without FSGSBASE */
	RH_BUILD_FUEL = 2      /* counts fuel */
};

struct rh_built_object {
	const void *bytes;
	size_t      len;
	const char *tools; /* SHA-256 of what it depends on besides module and hook */
};

/* Starts the child, which builds and keeps below that folder.  RH_ENOMEM. */
int rh_builder_start(const char *state, struct rh_builder **ret_builder,
                     struct rh_diag *diag);

typedef void rh_builder_done(void *user);

/* Begins to listen; done is called when a build ended. */
int  rh_builder_open(struct rh_builder *builder, uv_loop_t *loop, rh_builder_done *done,
                     void *user);
/* The memory goes when the loop has run once more.  NULL is accepted. */
void rh_builder_close(struct rh_builder *builder);

/* Has it built that?  RH_OK: here it is.
 * RH_ENOENT  not known: submit it.  RH_EAGAIN  not ended yet.
 * Anything else is why it was refused, in diag; it is forgotten then. */
int rh_builder_take(struct rh_builder *builder, const struct rh_build_wanted *wanted,
                    struct rh_built_object *ret_object, struct rh_diag *diag);

/* Has it built; the bytes are copied.
 * RH_ENOSPC  so many wait already.  RH_ENOMEM.  RH_EIO  the child is gone. */
int rh_builder_submit(struct rh_builder *builder, const struct rh_build_wanted *wanted,
                      const void *bytes, size_t len);

#endif
