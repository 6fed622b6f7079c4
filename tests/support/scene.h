/* scene - what tests of processes and descriptors need again and again. */
#ifndef RH_TESTS_SCENE_H
#define RH_TESTS_SCENE_H

#include <stddef.h>
#include <sys/types.h>

/* How many descriptors this process has open. */
int scene_fds(void);

/* Makes a directory of its own under $TMPDIR or /tmp; path holds SCENE_PATH bytes. */
#define SCENE_PATH 96
void scene_dir(char *path);

/* Removes the directory and what is in it; not 0 when something is left. */
int scene_remove(const char *path);

/* Runs work in a child of fork and returns its exit status; 128 + n when signal n
 * ended it.  The child leaves with what work returned, without atexit handlers. */
int scene_child(int (*work)(void *user), void *user);

/* The same in two parts. */
pid_t scene_fork(int (*work)(void *user), void *user);
int   scene_wait(pid_t pid);

#endif
