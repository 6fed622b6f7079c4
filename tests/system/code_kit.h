/* code_kit - rules of code for the agents of agent_kit: a module that the test signed,
 * and the side of the center that hands it out.
 *
 * The rule is code_kit_rule.c, which does what its parameters say; so another text of
 * parameters is another generation of it. */
#ifndef RH_TESTS_CODE_KIT_H
#define RH_TESTS_CODE_KIT_H

#include "agent_kit.h"

#include "../../base/signature.h"

#define CODE_PART 64000u /* bytes of a part, as the center sends them */

struct code_module {
	char           manifest[512];
	char           sha256[RH_SHA256_HEX];     /* of the manifest */
	char           signature[RH_SIGNATURE_HEX];
	unsigned char *object;
	size_t         object_len;
	char           object_sha256[RH_SHA256_HEX];
};

/* A CODE_ITEM; what is NULL or 0 is left out. */
struct code_rule {
	const char *rule;
	uint64_t    revision;
	const char *hook;
	const char *module;
	const char *mode;
	const char *policy;
	const char *params[6];
};

/* A set-up as kit_open's, with a state directory that trusts the test's key. */
int code_open(void **state);
int code_close(void **state);

void code_make(struct code_module *module, const char *hook, const char *mode);

/* With that manifest, signed, and no object. */
void code_make_of(struct code_module *module, const char *manifest);

/* Of that name and version, with the bytes of the object of another one. */
void code_make_version(struct code_module *module, const struct code_module *object,
                       const char *name, uint64_t version);

/* The signature of somebody else. */
void code_sign_as_stranger(struct code_module *module);

void code_put(struct rh_record_writer *writer, const struct code_rule *rule);

/* The same as an order for that place, signed by the test's key; rollback may be 0. */
void code_put_signed(struct rh_record_writer *writer, const struct code_rule *rule,
                     uint64_t rollback, const char *caller, const char *callee);

/* Takes frames from the agent until one of that type. */
void code_expect(struct kit_agent *agent, int type);

/* Receives MODULE_GET, and asserts what it wants. */
void code_expect_get(struct kit_agent *agent, const char *sha256, uint32_t offset);

/* Answers it with a part: of the manifest or the object, from offset on. */
void code_give(struct kit_agent *agent, const struct code_module *module,
               const char *sha256, uint32_t offset);

/* The same in other words: whatever is wanted of it. */
void code_give_as(struct kit_agent *agent, const char *sha256, uint32_t offset,
                  uint64_t total, const void *bytes, size_t len, const char *signature);
void code_refuse(struct kit_agent *agent, const char *sha256, int32_t code,
                 const char *text);

/* Answers MODULE_GETs of the module (NULL: none come) until the item of the edge to
 * that callee is in force or rejected at that revision, and says which; kit_text is
 * the reason. */
enum rh_item_state code_await(struct kit_agent *agent, const struct code_module *module,
                              const char *callee, uint64_t revision);

#endif
