/* classfile - what a class of Java declares, read from its class file.
 *
 * The bytes are foreign: every index, length and tag is checked before it is used.
 * Only what an interface needs is read; code is stepped over.
 *
 * Ownership   Tables and names are taken from the caller's pool, so the bytes may go.
 * Threads     One per pool.
 * Limits      RH_CLASS_BYTES_MAX of file.
 * Errors      RH_EPROTO with the byte at which the file breaks the format; RH_ENOMEM. */
#ifndef RH_INTERFACE_CLASSFILE_H
#define RH_INTERFACE_CLASSFILE_H

#include "../model/error.h"
#include "pool.h"

#include <stdbool.h>
#include <stdint.h>

#define RH_CLASS_BYTES_MAX ((size_t)1 << 20)

enum {
	RH_CLASS_PUBLIC     = 0x0001,
	RH_CLASS_STATIC     = 0x0008,
	RH_CLASS_NATIVE     = 0x0100,
	RH_CLASS_INTERFACE  = 0x0200,
	RH_CLASS_SYNTHETIC  = 0x1000,
	RH_CLASS_ANNOTATION = 0x2000,
	RH_CLASS_ENUM       = 0x4000,
};

struct rh_class_member {
	const char  *name;
	const char  *descriptor;   /* "(I[BLjava/lang/String;)J"              */
	const char **params;       /* names, or NULL: not told                */
	uint16_t     flags;
	uint8_t      param_count;  /* of names                                */
};

struct rh_class {
	const char             *name;    /* "net/NetDriver"                   */
	struct rh_class_member *methods;
	struct rh_class_member *components;  /* of a record                   */
	uint16_t                flags;
	uint16_t                method_count;
	uint16_t                component_count;
	bool                    is_record;
};

int rh_class_read(struct rh_pool *pool, const void *bytes, size_t len,
                  struct rh_class *ret, struct rh_diag *diag);

#endif
