/* output - the formats of -o. */
#ifndef RH_CLI_OUTPUT_H
#define RH_CLI_OUTPUT_H

#include "cli.h"

#include <jansson.h>

enum rh_format {
	RH_FORMAT_TABLE, RH_FORMAT_WIDE, RH_FORMAT_NAME, RH_FORMAT_JSON, RH_FORMAT_YAML,
};

/* What -o asks for; RH_FORMAT_TABLE without it.
 * RH_EINVAL  there is no such format; told on err. */
int rh_output_format(const struct rh_cli *cli, enum rh_format *ret_format);

/* Prints value as JSON or YAML; a list becomes {"items": [...]} in JSON and one
 * document per item in YAML.  Returns an enum rh_exit. */
int rh_output_value(const struct rh_cli *cli, enum rh_format format,
                    const json_t *value);

#endif
