/* order - that a rule of code is to be so at one place: what the center signs of a
 * CODE_ITEM, so that nobody between it and an agent can say it in its stead.
 *
 * Signed (RH_SIGNED_ORDER) is the SHA-256 of
 *   "<caller> <callee> <SHA-256 in hex of the records before the SIGNATURE>"
 * where callee is empty for a resource.  So an order for one edge is none for another.
 *
 * Ownership   Everything is the caller's.
 * Threads     Any, once rh_signature_start was called. */
#ifndef RH_BASE_ORDER_H
#define RH_BASE_ORDER_H

#include "signature.h"

/* content is the SHA-256 in hex of the records. */
void rh_order_digest(const char *caller, const char *callee, const char *content,
                     char hex[RH_SHA256_HEX]);

#endif
