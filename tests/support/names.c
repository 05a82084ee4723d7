/* A resolver that knows the names of a test server: preloaded (LD_PRELOAD), it asks at the UDP port of LIFEBOAT_NAMES
 * (`PORT ACCOUNT`) for the address of a name. What it is not told an address of does not resolve. Numbers are left alone. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Asks for the address of a name; an empty one is none. */
static void ask(const char *told, const char *name, char *address, size_t room) {
    const char *account = strchr(told, ' ');
    char question[512];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(told))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address[0] = '\0';
    int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return;
    int length = snprintf(question, sizeof question, "%s %s", account ? account + 1 : "", name);
    ssize_t got = -1;
    if (connect(socket_, (struct sockaddr *)&to, sizeof to) == 0 && send(socket_, question, (size_t)length, 0) == length)
        got = recv(socket_, address, room - 1, 0);
    address[got > 0 ? got : 0] = '\0';
    close(socket_);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    static __typeof__(&getaddrinfo) next;
    if (next == NULL) next = (__typeof__(&getaddrinfo))dlsym(RTLD_NEXT, "getaddrinfo");
    const char *told = getenv("LIFEBOAT_NAMES");
    char address[64], number[16];
    if (node == NULL || told == NULL || inet_pton(AF_INET, node, number) == 1 || inet_pton(AF_INET6, node, number) == 1)
        return next(node, service, hints, found);
    ask(told, node, address, sizeof address);
    return address[0] ? next(address, service, hints, found) : EAI_NONAME;
}
