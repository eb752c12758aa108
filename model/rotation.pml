/*
 * The rotation protocol, for the model checker Spin. `npm run model` runs all variants.
 *
 * One session, two servers that share its record, and one honest client, whose tabs share what they store: so they are requests that
 * are under way together. With -DTHIEF there is also a thief, who has a copy of the first token. Tokens are numbers; a derived token
 * is the same number for all who derive it. Hashes, compare-and-swap and JSON are left out: the code is held to this model by
 * replaying its traces (traces.txt).
 *
 * -DTHIEF       a thief, and { immediate: true }
 * -DREAUTH      the client also rotates with { reauthenticated: true }
 * -DCOOKIE      each answer with a token overwrites what the client stores. Otherwise it takes a token only if it still stores the one
 *               that the request was sent with
 * -DHASTY       with COOKIE: plain rotations at any time, not only when `rotateEvery` makes them
 * -DORDERED     with COOKIE: no answer overtakes another
 * -DBUG=n       a planted bug, which has to be found
 * -DTRACE       prints each event; -DNAMES: no number is given to two tokens
 *
 * Times are in ticks. SKEW, which is less than MINUTE, is how far the second server's clock is ahead, or behind.
 */

#ifndef MINUTE
#define MINUTE 4
#define GRACE  2
#endif
#ifndef SKEW
#define SKEW 2
#endif
/* As many tokens as matter at the same time. */
#ifndef TOKENS
#define TOKENS 4
#endif
/* As many requests as the client has under way at the same time; the next one is the thief's. */
#ifndef TABS
#define TABS 2
#endif
#ifndef BUG
#define BUG 0
#endif

#define THIEFS TABS
#ifdef THIEF
#define REQUESTS (TABS + 1)
#else
#define REQUESTS TABS
#endif

/*
 * The clock stands still, and what was noted moves into the past: so time has no end, and all that was long ago is the same. A time
 * of 0 is none.
 */
#define NOW 16
#define CLOCK(server) (NOW + (server -> SKEW : 0))
#if SKEW < 0
#define FAR (-(SKEW))
#else
#define FAR SKEW
#endif
#define OVER (NOW - MINUTE - FAR)           /* a grace that ended then has been over for a minute on both servers */
#define LONG (NOW - GRACE - MINUTE - FAR)   /* a token that was replaced then is long out of its grace on both servers */

/* Kinds of rotation. */
#define PLAIN     1
#define PROVEN    2   /* reauthenticated */
#define IMMEDIATE 3

/* What a token is to the session. */
#define CURRENT  1
#define PENDING  2
#define IN_GRACE 3
#define RECENT   4   /* replaced-recently */
#define REUSED   5

/* Where a request is. */
#define IDLE     0
#define SENT     1
#define LET_IN   2
#define ANSWERED 3

/* The record. */
byte current = 1, pending, previous;
byte pendingKind, pendingMade, previousKind;
bool previousSalt;
byte until[TOKENS + 1];   /* of the previous and the replaced tokens: when their grace is, or would be, over */

/* Requests and answers that are under way. */
byte place[REQUESTS], token[REQUESTS], answer[REQUESTS];
bool replaced[REQUESTS];

byte jar = 1;             /* what the client stores */
byte made = 1;            /* tokens are numbered in the order in which they were made: this is the last */

/* What the properties are about. */
#ifdef THIEF
bool known[TOKENS + 1];   /* the thief has it */
bool proven[TOKENS + 1];  /* it is fresh by a proof that the client gave after the theft */
bool dead[TOKENS + 1];    /* immediate has ended it */
byte endedAt[TOKENS + 1]; /* when it was replaced */
bool shed;                /* a token that the thief cannot have was used */
byte shedAt;
bool risky;               /* the client has used immediate: an answer that is lost costs a login */
#define TELL(thief, client) thief
#else
byte plainOf[TOKENS + 1]; /* what plain rotations by it were answered */
byte since[REQUESTS];     /* when it was sent */
#ifdef ORDERED
byte before[REQUESTS];    /* how many answers that are under way were sent before this one */
#endif
#define TELL(thief, client) client
#endif

/* For one step. */
byte match, result, clock, i, j;
bool fits;

#ifdef TRACE
int ticks;
#define AT (clock + ticks)
#define SHOW_RECORD       printf(" > %d %d %d %d %d %d\n", current, pending, pendingKind, previous, previousKind, previousSalt)
#define SHOW_OPEN(r)      printf("open %d %d %d", AT, token[r], match); SHOW_RECORD
#define SHOW_ROTATE(r, k) printf("rotate %d %d %d %d %d", AT, token[r], replaced[r], k, result); SHOW_RECORD
#define SHOW_WRITE        printf("write %d", AT); SHOW_RECORD
#define SHOW_SEND(r)      printf("# request %d sends %d at %d\n", r, token[r], ticks)
#define SHOW_RECEIVE(r)   printf("# request %d receives %d at %d\n", r, answer[r], ticks)
#else
#define SHOW_OPEN(r)      skip; skip
#define SHOW_ROTATE(r, k) skip; skip
#define SHOW_WRITE        skip; skip
#define SHOW_SEND(r)      skip
#define SHOW_RECEIVE(r)   skip
#endif

/* ------------------------------------------------------------------ the record: src/core/record */

/* remember(): forgets what ended more than a minute ago by this clock. */
inline prune() {
  i = 1;
  do
  :: i > made -> break
  :: i <= made && i != previous && until[i] > 0 && clock >= until[i] + MINUTE -> until[i] = 0; i++
  :: else -> i++
  od;
  i = 0
}

/* recognise() */
inline recognise(t) {
  if
  :: t == current -> match = CURRENT
  :: t != current && t == pending -> match = PENDING
  :: t != current && t != pending && t == previous && clock < until[t] -> match = IN_GRACE
  :: else ->
     match = (until[t] > 0 && clock < until[t] + (BUG == 5 -> 0 : MINUTE) -> RECENT : REUSED)
  fi
}

/* firstUse() */
inline firstUse() {
  TELL(endedAt[current] = NOW; if :: BUG == 6 -> proven[current] = proven[pending] :: else fi, skip);
  until[current] = clock + GRACE;
  previous = current;
  previousKind = pendingKind;
  previousSalt = true;
  current = pending;
  pending = 0;
  pendingKind = 0;
  pendingMade = 0;
  prune()
}

inline mint(isProven) {
  made++;
  result = made;
  TELL(proven[made] = isProven || proven[current], skip)
}

/* offer() */
inline offer(kind) {
  if
  :: pending != 0 && BUG != 1 && (pendingKind == kind || BUG == 2) ->
     result = pending;
     if
     :: kind == PROVEN -> pendingMade = clock; TELL(proven[pending] = true, skip)
     :: else
     fi
  :: pending != 0 && BUG != 1 && BUG != 3 && pendingKind != kind && BUG != 2 && (pendingKind == PLAIN || clock < pendingMade + MINUTE) ->
     skip
  :: else ->
     if
     :: made == TOKENS -> fits = false
     :: else ->
        if
        :: pending != 0 -> until[pending] = clock + GRACE; TELL(endedAt[pending] = NOW, skip)
        :: else
        fi;
        mint(kind == PROVEN);
        pending = made;
        pendingKind = kind;
        pendingMade = (kind == PROVEN -> clock : 0);
        prune()
     fi
  fi
}

/* repeatLate() */
inline repeatLate(t, kind) {
  if
  :: t == previous && pending == 0 && previousSalt && clock < until[t] && (previousKind == kind || BUG == 8) ->
     result = current;
     if
     :: kind == PROVEN -> TELL(proven[current] = true, skip)
     :: else
     fi
  :: else
  fi
}

inline noteDead() {
  i = 1;
  do
  :: i > made -> break
  :: else -> TELL(dead[i] = true, skip); i++
  od;
  i = 0
}

/* endAll() */
inline endAll() {
  if
  :: made == TOKENS -> fits = false
  :: else ->
     noteDead();
     if
     :: pending != 0 -> until[pending] = clock + GRACE; TELL(endedAt[pending] = NOW, skip)
     :: else
     fi;
     until[current] = clock + GRACE;
     TELL(endedAt[current] = NOW, skip);
     previous = 0;
     if
     :: BUG == 7 -> previous = current; until[current] = clock
     :: else
     fi;
     mint(false);
     current = made;
     previousKind = 0;
     previousSalt = false;
     pending = 0;
     pendingKind = 0;
     pendingMade = 0;
     prune()
  fi
}

/* rotate(): `result` is the token that is answered, 0 for TOKEN_REPLACED; `fits` is false where there is no number left for one. */
inline rotate(r, kind) {
  result = 0;
  fits = true;
  if
  :: replaced[r] && BUG != 4 -> skip
  :: (!replaced[r] || BUG == 4) && token[r] == current && kind == IMMEDIATE -> endAll()
  :: (!replaced[r] || BUG == 4) && token[r] == current && kind != IMMEDIATE -> offer(kind)
  :: (!replaced[r] || BUG == 4) && token[r] != current && kind != IMMEDIATE -> repeatLate(token[r], kind)
  :: else
  fi
}

/* tidied(): what any other write does to the tokens. */
inline write(server) {
  clock = CLOCK(server);
  if
  :: previous != 0 && clock >= until[previous] -> previousSalt = false
  :: else
  fi;
  if
  :: previous != 0 && clock >= until[previous] + MINUTE -> until[previous] = 0; previous = 0; previousKind = 0
  :: else
  fi;
  prune();
  SHOW_WRITE;
  clock = 0
}

/* ------------------------------------------------------------------ numbers and time */

#define HELD_BY(r, t) (token[r] == t || answer[r] == t)
#if defined(THIEF) && TABS == 2
#define UNDER_WAY(t) (HELD_BY(0, t) || HELD_BY(1, t) || HELD_BY(2, t))
#else
#define UNDER_WAY(t) (HELD_BY(0, t) || HELD_BY(1, t))
#endif
#ifdef THIEF
#define HELD(t) (jar == t || UNDER_WAY(t) || known[t])
#else
#define HELD(t) (jar == t || UNDER_WAY(t))
#endif
#define IN_RECORD(t) (t == current || t == pending || t == previous || until[t] > 0)
#define GONE 99

inline renumber(t, gone) {
  if
  :: t > gone && t != GONE -> t--
  :: else
  fi
}

/* Takes a token that nobody has or knows out of the numbers. */
inline drop(gone) {
  j = gone;
  do
  :: j >= made -> break
  :: else ->
     until[j] = until[j + 1];
#ifdef THIEF
     known[j] = known[j + 1];
     proven[j] = proven[j + 1];
     dead[j] = dead[j + 1];
     endedAt[j] = endedAt[j + 1];
#else
     plainOf[j] = plainOf[j + 1];
#endif
     j++
  od;
  until[made] = 0;
#ifdef THIEF
  known[made] = false;
  proven[made] = false;
  dead[made] = false;
  endedAt[made] = 0;
#else
  plainOf[made] = 0;
#endif
  made--;
#ifndef THIEF
  j = 1;
  do
  :: j > made -> break
  :: j <= made && plainOf[j] == gone -> plainOf[j] = GONE; j++
  :: else -> renumber(plainOf[j], gone); j++
  od;
#endif
  j = 0;
  do
  :: j == REQUESTS -> break
  :: else -> renumber(token[j], gone); renumber(answer[j], gone); j++
  od;
  j = 0;
  renumber(current, gone);
  renumber(pending, gone);
  renumber(previous, gone);
  renumber(jar, gone)
}

/* Ends each step. Without it the number of rotations would have to be bounded, and equal states would differ by their numbers. */
inline forget() {
#ifndef NAMES
  i = 1;
  do
  :: i > made -> break
  :: i <= made && (HELD(i) || IN_RECORD(i)) ->
     TELL(skip, if :: HELD(i) || i == current :: else -> plainOf[i] = 0 fi);
     i++
  :: else -> drop(i)
  od;
  i = 0
#else
  skip
#endif
}

inline recede(t, floor, there) {
  if
  :: t > floor + 1 -> t--
  :: t == floor + 1 -> t = there
  :: else
  fi
}

inline tick() {
  recede(pendingMade, OVER, OVER);
  i = 1;
  do
  :: i > made -> break
  :: else -> recede(until[i], OVER, 0); TELL(recede(endedAt[i], LONG, LONG), skip); i++
  od;
  i = 0;
#ifdef THIEF
  recede(shedAt, LONG, LONG);
#else
  do
  :: i == REQUESTS -> break
  :: i < REQUESTS && since[i] > 0 -> since[i]--; i++
  :: else -> i++
  od;
  i = 0;
#endif
#ifdef TRACE
  ticks++
#else
  skip
#endif
}

/* ------------------------------------------------------------------ the properties */

inline checkReplaced(r) {
  /* Rule 22: a call that was let in by a replaced token gets none. */
  assert(!replaced[r] || result == 0)
}

#ifdef THIEF

inline noteShed() {
  if
  :: !shed -> shed = true; shedAt = NOW
  :: else
  fi
}

inline checkOpen(r) {
  /* Rule 22: immediate needs no clock. */
  assert(!dead[token[r]] || match >= RECENT);
  if
  :: r == THIEFS ->
     /* Rule 22: the thief is shed when the grace is over. Rule 23: a token that was replaced long ago is reported. */
     assert(!shed || shedAt >= NOW - GRACE - FAR || match >= RECENT);
     assert(endedAt[token[r]] == 0 || endedAt[token[r]] > LONG || match == REUSED)
  :: else ->
     /* Rule 22: what a thief has cannot log out a client that has shed it. */
     assert(risky || !shed || match < RECENT || token[r] != jar)
  fi
}

inline checkRotation(r, kind) {
  if
  :: r == THIEFS && result != 0 ->
     /* Rule 22: after a step-up nothing that the thief has makes another token. */
     assert(!shed);
     known[result] = true
  :: r != THIEFS && result != 0 && kind == IMMEDIATE -> risky = true; noteShed()
  :: else
  fi;
  /* Rule 22: a proof is worth nothing to those who did not give it. */
  i = 1;
  do
  :: i > made -> break
  :: else -> assert(!(known[i] && proven[i])); i++
  od;
  i = 0;
  assert(!shed || (!known[current] && !known[pending]))
}

#else

inline noteShed() {
  skip
}

inline checkOpen(r) {
  /* Rule 21: a request that is refused was sent with an older token than the client has by now, which it repeats it with. */
  assert(match < RECENT || token[r] != jar);
  /* Rule 23: an honest client's token is no reuse. */
  assert(match != REUSED)
}

inline checkRotation(r, kind) {
  /* Rule 21: plain rotations by one token are all answered the same one. */
  if
  :: result != 0 && kind == PLAIN ->
     assert(plainOf[token[r]] == 0 || plainOf[token[r]] == result);
     plainOf[token[r]] = result
  :: else
  fi
}

#endif

/* ------------------------------------------------------------------ requests */

inline send(r, t) {
  token[r] = t;
  place[r] = SENT;
  TELL(skip, since[r] = NOW);
  SHOW_SEND(r)
}

inline finish(r) {
#ifdef ORDERED
  i = 0;
  do
  :: i == REQUESTS -> break
  :: i < REQUESTS && place[r] == ANSWERED && before[i] > before[r] -> before[i]--; i++
  :: else -> i++
  od;
  i = 0;
  before[r] = 0;
#endif
  place[r] = IDLE;
  token[r] = 0;
  answer[r] = 0;
  replaced[r] = false;
  TELL(skip, since[r] = 0)
}

inline open(r, server) {
  clock = CLOCK(server);
  recognise(token[r]);
  if
  :: match == PENDING ->
     if
     :: pendingKind == PROVEN && r != THIEFS -> noteShed()
     :: else
     fi;
     firstUse()
  :: else
  fi;
  SHOW_OPEN(r);
  checkOpen(r);
  if
  :: match >= RECENT -> finish(r)
  :: else ->
     place[r] = LET_IN;
     replaced[r] = (match == IN_GRACE);
     TELL(skip, since[r] = 0)
  fi;
  match = 0;
  clock = 0
}

inline act(r, server, kind) {
  clock = CLOCK(server);
  rotate(r, kind);
  if
  :: fits -> SHOW_ROTATE(r, kind); checkReplaced(r); checkRotation(r, kind)
  :: else
  fi;
  if
  :: result == 0 -> finish(r)
  :: else ->
#ifdef ORDERED
     before[r] = (place[0] == ANSWERED -> 1 : 0) + (place[1] == ANSWERED -> 1 : 0);
#endif
     place[r] = ANSWERED;
     answer[r] = result;
     TELL(skip, since[r] = NOW)
  fi;
  result = 0;
  fits = false;
  clock = 0
}

inline receive(r) {
  SHOW_RECEIVE(r);
#ifdef COOKIE
  jar = answer[r];
#else
  if
  :: jar == token[r] -> jar = answer[r]
  :: else
  fi;
#endif
  finish(r)
}

/* Requests and answers are under way for at most the grace. No property of the thief's model needs that. */
#ifdef THIEF
#define IN_TIME true
#else
#define MOVES(r) (place[r] == IDLE || place[r] == LET_IN || NOW < since[r] + GRACE)
#define IN_TIME (MOVES(0) && MOVES(1))
#endif

/* The client gets and uses a reauthenticated token before any server takes it for one that was not used for a minute, or never does. */
#define OLD_NEXT(server) (CLOCK(server) + 1 >= pendingMade + MINUTE)
#if TABS == 2
#define AWAITED (jar == pending || answer[0] == pending || answer[1] == pending)
#else
#define AWAITED (jar == pending || answer[0] == pending)
#endif
#define USED_IN_TIME (pendingKind != PROVEN || !AWAITED || !(OLD_NEXT(0) || OLD_NEXT(1)))

#if defined(COOKIE) && !defined(HASTY)
#define IS_DUE(server) (previous == 0 || CLOCK(server) >= until[previous] + MINUTE)
#else
#define IS_DUE(server) true
#endif

#ifdef ORDERED
#define ARRIVES(r) (before[r] == 0)
#else
#define ARRIVES(r) true
#endif

#ifdef REAUTH
#define WITH_PROOF(r) \
  :: place[r] == LET_IN -> d_step { act(r, 0, PROVEN); forget() } \
  :: place[r] == LET_IN -> d_step { act(r, 1, PROVEN); forget() }
#else
#define WITH_PROOF(r)
#endif

#ifdef THIEF
#define WITH_END(r) \
  :: place[r] == LET_IN -> d_step { act(r, 0, IMMEDIATE); forget() } \
  :: place[r] == LET_IN -> d_step { act(r, 1, IMMEDIATE); forget() }
#else
#define WITH_END(r)
#endif

#define ON_SERVERS(r) \
  :: place[r] == SENT -> d_step { open(r, 0); forget() } \
  :: place[r] == SENT -> d_step { open(r, 1); forget() } \
  :: place[r] == LET_IN -> d_step { finish(r); forget() } \
  :: place[r] == LET_IN && IS_DUE(0) -> d_step { act(r, 0, PLAIN); forget() } \
  :: place[r] == LET_IN && IS_DUE(1) -> d_step { act(r, 1, PLAIN); forget() } \
  WITH_END(r)

#define OF_CLIENT(r) \
  :: place[r] == IDLE -> d_step { send(r, jar) } \
  :: place[r] == ANSWERED && ARRIVES(r) -> d_step { receive(r); forget() } \
  :: place[r] == ANSWERED -> d_step { finish(r); forget() } \
  ON_SERVERS(r) \
  WITH_PROOF(r)

/* A thief may give a token up: those that are never used again are of no interest. */
#define WITH_TOKEN(t) \
  :: place[THIEFS] == IDLE && known[t] -> d_step { send(THIEFS, t) } \
  :: known[t] && !IN_RECORD(t) -> d_step { known[t] = false; forget() }

init {
  TELL(known[1] = true, skip);
  do
  :: IN_TIME && USED_IN_TIME -> d_step { tick(); forget() }
  :: d_step { write(0); forget() }
  :: d_step { write(1); forget() }
  OF_CLIENT(0)
#if TABS == 2
  OF_CLIENT(1)
#endif
#ifdef THIEF
  ON_SERVERS(THIEFS)
  :: place[THIEFS] == ANSWERED -> d_step { finish(THIEFS); forget() }
  WITH_TOKEN(1)
  WITH_TOKEN(2)
  WITH_TOKEN(3)
#if TOKENS > 3
  WITH_TOKEN(4)
#endif
#endif
  od
}
