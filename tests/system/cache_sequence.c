/* cache_sequence - what a cache of C throws out: for each key of the standard input a
 * line, the key that went, or "-".  An empty line: the name of the rule is printed.
 *
 *   cache_sequence KEY CAPACITY */
#include "../../sdk/c/rhodes-rule.h"
#include "../../sdk/c/rhodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 4096

static long slot_of[KEYS], key_of[KEYS];

static void use(struct rh_slots *slots, unsigned long key)
{
	int      was_full;
	uint32_t slot;

	if (slot_of[key]) {
		rh_slots_hit(slots, (uint32_t)(slot_of[key] - 1));
		puts("-");
		return;
	}
	slot = rh_slots_place(slots, key, &was_full);
	if (was_full) {
		printf("%ld\n", key_of[slot]);
		slot_of[key_of[slot]] = 0;
	} else {
		puts("-");
	}
	slot_of[key] = (long)slot + 1;
	key_of[slot] = (long)key;
}

int main(int argc, char **argv)
{
	char             line[64], name[64];
	struct rh_slots *slots;

	if (argc != 3 || rh_slots_open(argv[1], (uint32_t)strtoul(argv[2], NULL, 10), 0,
	                               &slots) < 0) {
		fprintf(stderr, "%s\n", rh_last_error());
		return 1;
	}
	while (fgets(line, sizeof line, stdin)) {
		if (line[0] == '\n') {
			rh_slots_name(slots, name, sizeof name);
			puts(name);
		} else {
			use(slots, strtoul(line, NULL, 10) % KEYS);
		}
		fflush(stdout);
	}
	rh_slots_close(slots);
	return 0;
}
