/* The papers' WhiteDB application: threads on one database of Debian's libwgdb.
 *
 *   bench-whitedb THREADS RECORDS OPERATIONS
 *
 * Each thread inserts RECORDS of its own, indexed by a number, then does OPERATIONS: of
 * ten, seven find a record by the index and read its fields, two change one, one replaces
 * a record by a new one.  Reads and writes are transactions of the database (its own
 * locks, with what turn.c mends in them).  What is there in the end does not depend on how
 * the threads were scheduled; it is printed as one line. */
#include "program.h"

#include <stdio.h>
#include <whitedb/dbapi.h>
#include <whitedb/indexapi.h>

#define THREADS_MAX 64
#define RECORD_ROOM 512l /* bytes of the database for each record, indexes included */
#define KEYS_EACH   10000000u

enum { KEY, COUNT, NAME, FIELDS };

struct worker {
	pthread_t thread;
	unsigned  number;
	uint32_t  seed;
	uint64_t  read; /* a sum over all that was read */
};

static unsigned threads, records, operations;
static void    *db;

static uint32_t next_random(struct worker *worker)
{
	worker->seed = worker->seed * 1664525u + 1013904223u;
	return worker->seed >> 8;
}

static int key_of(const struct worker *worker, uint32_t index)
{
	return (int)(worker->number * KEYS_EACH + index);
}

static wg_int locked(wg_int lock)
{
	if (!lock)
		die("a transaction cannot begin");
	return lock;
}

static void fill(void *record, int key)
{
	char name[32];

	snprintf(name, sizeof name, "record of key %d", key);
	if (!record || wg_set_field(db, record, KEY, wg_encode_int(db, key)) != 0 ||
	    wg_set_field(db, record, COUNT, wg_encode_int(db, 0)) != 0 ||
	    wg_set_field(db, record, NAME, wg_encode_str(db, name, NULL)) != 0)
		die("a record cannot be inserted");
}

static void insert(int key)
{
	wg_int lock = locked(wg_start_write(db));

	fill(wg_create_record(db, FIELDS), key);
	wg_end_write(db, lock);
}

static void *find(int key)
{
	void *record = wg_find_record_int(db, KEY, WG_COND_EQUAL, key, NULL);

	if (!record)
		die("a record is not found");
	return record;
}

static void look(struct worker *worker, int key)
{
	wg_int      lock = locked(wg_start_read(db));
	const char *name = wg_decode_str(db, wg_get_field(db, find(key), NAME));

	for (; *name; name++)
		worker->read = worker->read * 31 + (uint8_t)*name;
	wg_end_read(db, lock);
}

static void change(int key)
{
	wg_int lock = locked(wg_start_write(db));
	void  *record = find(key);
	wg_int count = wg_decode_int(db, wg_get_field(db, record, COUNT));

	if (wg_set_field(db, record, COUNT, wg_encode_int(db, count + 1)) != 0)
		die("a record cannot be changed");
	wg_end_write(db, lock);
}

static void replace(int key)
{
	wg_int lock = locked(wg_start_write(db));

	if (wg_delete_record(db, find(key)) != 0)
		die("a record cannot be deleted");
	fill(wg_create_record(db, FIELDS), key);
	wg_end_write(db, lock);
}

static void *work(void *user)
{
	struct worker *worker = user;

	for (uint32_t i = 0; i < records; i++)
		insert(key_of(worker, i));
	for (unsigned i = 0; i < operations; i++) {
		uint32_t kind = next_random(worker) % 10;
		int      key = key_of(worker, next_random(worker) % records);

		if (kind < 7)
			look(worker, key);
		else if (kind < 9)
			change(key);
		else
			replace(key);
	}
	return NULL;
}

/* Records and their counts. */
static void sum(uint64_t *ret_records, uint64_t *ret_counts)
{
	*ret_records = *ret_counts = 0;
	for (void *at = wg_get_first_record(db); at; at = wg_get_next_record(db, at)) {
		++*ret_records;
		*ret_counts += (uint64_t)wg_decode_int(db, wg_get_field(db, at, COUNT));
	}
}

static void run(void)
{
	static struct worker workers[THREADS_MAX];
	uint64_t             read = 0, there, counts;

	for (unsigned i = 0; i < threads; i++) {
		workers[i] = (struct worker){ .number = i, .seed = i + 1 };
		workers[i].thread = start_thread(work, &workers[i]);
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		read ^= workers[i].read;
	}
	sum(&there, &counts);
	printf("%u threads: %llu records, %llu changes, read %016llx\n", threads,
	       (unsigned long long)there, (unsigned long long)counts,
	       (unsigned long long)read);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage: bench-whitedb THREADS RECORDS OPERATIONS");
	threads = number_of(argv[1], THREADS_MAX);
	records = number_of(argv[2], KEYS_EACH);
	operations = number_of(argv[3], 100000000);
	db = wg_attach_local_database((wg_int)threads * records * RECORD_ROOM + (16l << 20));
	if (!db || wg_create_index(db, KEY, WG_INDEX_TYPE_TTREE, NULL, 0) != 0)
		die("no database can be made");
	await_carrier();
	run();
	wg_delete_local_database(db);
	return 0;
}
