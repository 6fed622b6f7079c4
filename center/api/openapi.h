/* openapi - the contract of the REST interface, as a text inside the program.
 *
 * Made from center/openapi.json by embed.py when the center is built. */
#ifndef RH_CENTER_API_OPENAPI_H
#define RH_CENTER_API_OPENAPI_H

#include <stddef.h>

extern const unsigned char rh_openapi[];
extern const size_t        rh_openapi_bytes;

#endif
