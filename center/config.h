/* config - what the command line of rhodes-center says.
 *
 * Ownership   Texts are borrowed from argv.
 * Threads     Any. */
#ifndef RH_CENTER_CONFIG_H
#define RH_CENTER_CONFIG_H

#include "push.h"

#include "../base/dirs.h"

struct rh_config {
	struct rh_dirs       dirs;
	const char          *tcp;        /* NULL: no TCP                       */
	struct rh_push_sizes push;
	int                  ready_fd;   /* -1: nobody asks                    */
	int                  is_help;
	int                  is_version;
};

/* RH_EINVAL  an option is not known or wrong.  Others as rh_dirs_find. */
int rh_config_read(struct rh_config *config, int argc, char **argv,
                   struct rh_diag *diag);

const char *rh_config_usage(void);

#endif
