/* interfaces - the side files behind a manifest, built, sent and described.
 *
 * A resource that says "interface: libfoo" needs the object Interface/libfoo.  If
 * it stands in the manifest itself, that is it; else libfoo.side beside the
 * manifest, or in a folder of --interface-path, is built into
 * <state>/interface/libfoo (when anything it was made from changed), its modules go
 * to the center, and the object joins the batch; else it must be registered.
 * "interface: pricing.py" is a file that says the interface itself (offered.h). */
#ifndef RH_CLI_INTERFACES_H
#define RH_CLI_INTERFACES_H

#include "cli.h"
#include "manifest.h"

#include <jansson.h>

/* Gives the Interface objects to apply before the manifest's own, a new array; in a dry
 * run the center gets no modules.
 * Returns an enum rh_exit; tells on err. */
int rh_interfaces_build(struct rh_cli *cli, struct rh_manifest *manifest, bool is_dry,
                        json_t **ret_objects);

#endif
