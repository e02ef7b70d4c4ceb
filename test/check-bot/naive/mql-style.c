/* A bot in MQL's style, as written from a page in an afternoon: one thread, blocking requests, text search
 * instead of a JSON reader. It keeps its session in the ordinary life. It must fail: it counts by the
 * timeout instead of by held_for_seconds, and by a clock that stops while the machine is suspended. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char answer[65536], session[80], run[33];

static double clock_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/* Like WebRequest: gives the status, or -1. */
static int web_request(const char *path, const char *more) {
  char host[64], port[8], body[1024], request[2048];
  if (sscanf(getenv("LICENSE_URL"), "http://%63[^:]:%7[0-9]", host, port) != 2) return -1;
  snprintf(body, sizeof body, "{\"license_key\":\"%s\",\"device_fingerprint\":\"%s\",\"symbol\":\"%s\"%s}",
           getenv("LICENSE_KEY"), getenv("DEVICE_FINGERPRINT"), getenv("SYMBOL"), more);
  snprintf(request, sizeof request,
           "POST %s HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", path,
           host, strlen(body), body);
  int connection = socket(AF_INET, SOCK_STREAM, 0), length = 0, got;
  struct timeval limit = {5, 0};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  inet_pton(AF_INET, host, &address.sin_addr);
  answer[0] = 0;
  if (connect(connection, (struct sockaddr *)&address, sizeof address) == 0) {
    send(connection, request, strlen(request), MSG_NOSIGNAL);
    while (length < (int)sizeof answer - 1 && (got = recv(connection, answer + length, sizeof answer - 1 - length, 0)) > 0)
      length += got;
    answer[length] = 0;
  }
  close(connection);
  int status = -1;
  sscanf(answer, "HTTP/%*s %d", &status);
  return status;
}

static double number(const char *field, double otherwise) {
  const char *at = strstr(answer, field);
  return at ? atof(at + strlen(field)) : otherwise;
}

static int says(const char *text) { return strstr(answer, text) != NULL; }

int main(void) {
  char more[256];
  setvbuf(stdout, NULL, _IOLBF, 0);
  snprintf(run, sizeof run, "%08x%08lx", getpid(), (long)time(NULL));
  snprintf(more, sizeof more, ",\"run_id\":\"%s\",\"claim_number\":1", run);
  double first = clock_now();
  while (web_request("/api/validate-license", more) != 200 || !says("\"granted\"")) {
    if (says("license_valid")) return printf("not allowed to trade\n"), 1;
    sleep(1);
  }
  sscanf(strstr(answer, "\"session_id\":\"") + 14, "%79[^\"]", session);
  double interval = number("\"heartbeat_interval_seconds\":", 20);
  double held = number("\"session_timeout_seconds\":", 60) * 11 / 12;
  double confirmed = first, next = clock_now() + interval;
  snprintf(more, sizeof more, ",\"session_id\":\"%s\"", session);
  for (;; usleep(100000)) {
    if (clock_now() >= next) {
      double sent = clock_now();
      next = sent + 1;
      if (web_request("/api/heartbeat", more) == 200 && says("\"recorded\"")) {
        confirmed = sent;
        next = sent + interval;
      }
      if (says("session_taken") || says("session_replaced") || says("session_ended") || says("\"license_valid\":false"))
        return printf("the session is over\n"), 1;
    }
    if (clock_now() < confirmed + held) printf("TRADE\n");
  }
}
