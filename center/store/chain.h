/* chain - the hash that links an audit entry to all before it.
 *
 * Threads     Any.  No state. */
#ifndef RH_CENTER_STORE_CHAIN_H
#define RH_CENTER_STORE_CHAIN_H

/* hash = SHA-256(hash || text), in place; 32 bytes. */
void rh_chain_next(unsigned char *hash, const char *text);

#endif
