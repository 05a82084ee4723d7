/* Runs a program, and outlives all that it leaves behind: whoever loses its parent becomes a child of this one (Linux).
 *
 *     reap FILE PROGRAM WORD...
 *
 * When all have ended, FILE has a line for each: its number, and the signal that ended it or 0. It exits as the program. */

#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 125;
    pid_t program = fork();
    if (program == 0) {
        execv(argv[2], argv + 2);
        _exit(126);
    }
    FILE *told = fopen(argv[1], "w");
    if (told == NULL) return 125;
    int code = 127, how;
    for (;;) {
        pid_t ended = wait(&how);
        if (ended < 0 && errno == EINTR) continue;
        if (ended < 0) break;
        fprintf(told, "%d %d\n", (int)ended, WIFSIGNALED(how) ? WTERMSIG(how) : 0);
        if (ended == program) code = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    }
    return fclose(told) == 0 ? code : 125;
}
