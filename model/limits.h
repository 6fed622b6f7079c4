/* limits - every bound of the model, in one place.  Full means RH_ENOSPC, too
 * long means RH_EINVAL or RH_EMSGSIZE; nothing grows. */
#ifndef RH_MODEL_LIMITS_H
#define RH_MODEL_LIMITS_H

#define RH_NAME_MAX       63u         /* bytes of a name, without the NUL         */
#define RH_REASON_MAX     200u        /* bytes of the reason of an exception      */
#define RH_REFERENCES_MAX 1024u       /* references one resource may declare      */
#define RH_RESOURCES_MAX  (1u << 24)  /* capacity of a registry: names            */
#define RH_EDGES_MAX      (1u << 28)  /* ... declared references                  */
#define RH_INSTANCES_MAX  (1u << 24)  /* ... leases of running processes          */
#define RH_EXCEPTIONS_MAX (1u << 20)  /* ... exceptions from the hierarchy        */

#endif
