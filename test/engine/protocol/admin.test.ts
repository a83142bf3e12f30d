// The administration commands of the text protocol, listings that pause, and watchers.
import { describe, expect, it } from 'vitest';
import { newStore, START_MS } from '../store/new-store.js';
import { FixedFacts, Talk } from './talk.js';

const START_SEC = START_MS / 1000;
const BAD = 'CLIENT_ERROR bad command line format\r\n';
const STORE_TWO = 'set a:1 5 0 3\r\nabc\r\nset b 0 100 1\r\ny\r\n';

/** What is said, and what is heard; the cas of a dump reads U. */
const CASES: readonly (readonly [said: string, heard: string])[] = [
  // lru_crawler
  [
    `${STORE_TWO}get b\r\nlru_crawler metadump all\r\nversion\r\n`,
    `STORED\r\nSTORED\r\nVALUE b 0 1\r\ny\r\nEND\r\nOK\r\nkey=a%3A1 exp=-1 la=${START_SEC} cas=U fetch=no cls=1 size=38 flags=5 \n` +
      `key=b exp=${START_SEC + 100} la=${START_SEC} cas=U fetch=yes cls=1 size=34 flags=0 \nEND\r\nVERSION 1.6.0-test\r\n`,
  ],
  [
    `${STORE_TWO}lru_crawler mgdump hash\r\nlru_crawler mgdump 1,2\r\nlru_crawler mgdump 2\r\n`,
    'STORED\r\nSTORED\r\nOK\r\nmg a:1\r\nmg b\r\nEN\r\nOK\r\nmg a:1\r\nmg b\r\nEN\r\nOK\r\nEN\r\n',
  ],
  ['ms IAo= 1 b\r\nx\r\nlru_crawler mgdump all\r\n', 'HD\r\nOK\r\nmg IAo= b\r\nEN\r\n'],
  [
    'ms IAo= 1 b E1\r\nx\r\nlru_crawler metadump all\r\n',
    `HD\r\nOK\r\nkey=%20%0A exp=-1 la=${START_SEC} cas=1 fetch=no cls=1 size=43 flags=0 \nEND\r\n`,
  ],
  [
    'lru_crawler metadump x\r\nlru_crawler metadump 64\r\nlru_crawler mgdump 0\r\n',
    'BADCLASS invalid class id\r\n'.repeat(3),
  ],
  [
    'lru_crawler disable\r\nlru_crawler metadump all\r\nlru_crawler mgdump all\r\nlru_crawler crawl all\r\nlru_crawler enable\r\nlru_crawler crawl 1,2\r\nlru_crawler crawl x\r\n',
    `OK\r\n${'CLIENT_ERROR lru crawler disabled\r\n'.repeat(3)}OK\r\nOK\r\nBADCLASS invalid class id\r\n`,
  ],
  [
    'lru_crawler sleep 100\r\nlru_crawler sleep x\r\nlru_crawler sleep 1000001\r\n',
    `OK\r\n${BAD}CLIENT_ERROR sleep must be one second or less\r\n`,
  ],
  [
    'lru_crawler tocrawl 0\r\nlru_crawler tocrawl x\r\nlru_crawler tocrawl 5\r\n',
    `OK\r\n${BAD}ERROR the crawler never stops, so a run has no limit\r\n`,
  ],
  ['lru_crawler\r\nlru_crawler foo\r\nlru_crawler foo bar\r\nlru_crawler crawl\r\n', 'ERROR\r\n'.repeat(4)],
  // slabs
  [
    'slabs reassign 1 1\r\nslabs reassign 1 99\r\nslabs reassign 0 1\r\nslabs reassign x 1\r\nslabs reassign 1 2\r\nslabs\r\nslabs foo 1\r\n',
    `SAME src and dst class are identical\r\n${'BADCLASS invalid src or dst class id\r\n'.repeat(2)}${BAD}NOSPARE source class has no spare pages\r\nERROR\r\nERROR\r\n`,
  ],
  [
    'slabs automove 1\r\nslabs automove 0\r\nslabs automove 3\r\nslabs automove x\r\nslabs automove window 1\r\nslabs automove window 30\r\nslabs automove ratio 0.8\r\nslabs automove ratio x\r\n',
    `OK\r\nERROR pages always move by themselves, as in mode 1\r\nERROR\r\n${BAD}CLIENT_ERROR automove window too low or too high\r\n${'ERROR how pages move cannot be tuned\r\n'.repeat(2)}ERROR\r\n`,
  ],
  // lru
  [
    'lru mode flat\r\nlru mode segmented\r\nlru mode x\r\nlru temp_ttl -1\r\nlru temp_ttl 60\r\nlru temp_ttl x\r\nlru\r\n',
    'OK\r\nERROR eviction walks one queue in each class, which is flat\r\nERROR\r\nOK\r\nERROR no item is kept from eviction for its ttl\r\nERROR\r\nERROR\r\n',
  ],
  [
    'lru tune 10 25 0.1 2.0\r\nlru tune 50 50 1 1\r\nlru tune 10 10 0 1\r\nlru tune x\r\n',
    'ERROR eviction walks one queue in each class, which has nothing to tune\r\nERROR hot and warm pcts must not exceed 80\r\nERROR hot/warm age factors must be greater than 0\r\nERROR\r\n',
  ],
  [
    'cache_memlimit 8\r\ncache_memlimit 7\r\ncache_memlimit 64\r\ncache_memlimit 2000000000\r\ncache_memlimit x\r\ncache_memlimit\r\ncache_memlimit 8 noreply\r\n',
    'OK\r\nMEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\nMEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\nMEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\nERROR\r\nERROR\r\n',
  ],
  ['shutdown\r\nshutdown graceful\r\n', 'SERVER_ERROR: shutdown not enabled\r\n'.repeat(2)],
  // stats
  [
    `${STORE_TWO}stats cachedump 1 0\r\nstats cachedump 1 1\r\nstats cachedump 2 9\r\nstats cachedump 1\r\nstats cachedump 64 1\r\nstats cachedump x 1\r\n`,
    `STORED\r\nSTORED\r\nITEM a:1 [3 b; 0 s]\r\nITEM b [1 b; ${START_SEC + 100} s]\r\nEND\r\nITEM a:1 [3 b; 0 s]\r\nEND\r\nEND\r\nCLIENT_ERROR bad command line\r\nCLIENT_ERROR Illegal slab id\r\n${BAD}`,
  ],
  [
    'get q:1\r\nstats detail on\r\nset q:1 0 0 1\r\nx\r\nget q:1 q:2 plain\r\ndelete q:3\r\nstats detail dump\r\nstats detail off\r\nget q:1\r\nstats reset\r\nstats detail dump\r\nstats detail x\r\n',
    'END\r\nOK\r\nSTORED\r\nVALUE q:1 0 1\r\nx\r\nEND\r\nNOT_FOUND\r\nPREFIX q get 2 hit 1 set 1 del 1\r\nEND\r\nOK\r\nVALUE q:1 0 1\r\nx\r\nEND\r\nRESET\r\nEND\r\nCLIENT_ERROR usage: stats detail on|off|dump\r\n',
  ],
  [
    'stats sizes\r\nstats conns\r\n',
    'STAT sizes_status disabled\r\nEND\r\nSTAT 0:addr tcp:127.0.0.1:5\r\nEND\r\n',
  ],
  ['watch foo\r\nversion\r\n', 'ERROR\r\nVERSION 1.6.0-test\r\n'],
];

const withoutUniques = (text: string): string => text.replace(/cas=\d{12,}/g, 'cas=U');
const sorted = (text: string): string => text.split('\n').sort().join('\n');

function hear(...pieces: Uint8Array[]): string {
  return withoutUniques(new Talk(newStore()).say(...pieces));
}

describe('the administration commands', () => {
  it.each(CASES)('%j', (said, heard) => {
    const bytes = Buffer.from(said, 'latin1');
    expect(hear(bytes)).toBe(heard);
    expect(hear(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toBe(heard);
    for (let split = 1; split < bytes.length; split++) {
      expect(hear(bytes.subarray(0, split), bytes.subarray(split)), `split at ${split}`).toBe(heard);
    }
  });

  it('stop the node only with -A', () => {
    const facts = new FixedFacts();
    facts.shutdowns = 0;
    const talk = new Talk(newStore(), facts);
    expect(talk.say(Buffer.from('shutdown now\r\nshutdown graceful x\r\n'))).toBe(
      'CLIENT_ERROR invalid shutdown mode\r\n'.repeat(2),
    );
    expect(talk.say(Buffer.from('shutdown graceful\r\nversion\r\n'))).toBe('');
    expect([facts.shutdowns, talk.session.closing]).toEqual([1, true]);
  });

  it('list nothing and show no watcher anything when that is forbidden', () => {
    const facts = new (class extends FixedFacts {
      override settings() {
        return { ...super.settings(), dumpEnabled: false, watchEnabled: false, flushEnabled: false };
      }
    })();
    const said =
      'lru_crawler metadump all\r\nlru_crawler mgdump all\r\nstats cachedump 1 1\r\nstats detail on\r\nwatch\r\nflush_all\r\n';
    expect(new Talk(newStore(), facts).say(Buffer.from(said))).toBe(
      'ERROR metadump not allowed\r\nERROR key dump not allowed\r\nCLIENT_ERROR stats cachedump not allowed\r\n' +
        'CLIENT_ERROR stats detail not allowed\r\nCLIENT_ERROR watch commands not allowed\r\nCLIENT_ERROR flush_all not allowed\r\n',
    );
  });

  it('move a page from a class that has two', () => {
    const store = newStore();
    const talk = new Talk(store);
    const value = 'v'.repeat(400_000);
    for (let number = 0; number < 6; number++) {
      talk.say(Buffer.from(`set k${number} 0 0 ${value.length}\r\n${value}\r\n`));
    }
    const slabClass = Array.from(store.slabs.sizes).findIndex((_, id) => store.slabs.pagesOfClass(id) > 1);
    const pages = store.slabs.pagesOfClass(slabClass);
    expect(talk.say(Buffer.from(`slabs reassign ${slabClass + 1} 1\r\n`))).toBe('OK\r\n');
    expect(store.slabs.pagesOfClass(slabClass)).toBe(pages - 1);
    expect(talk.say(Buffer.from('stats\r\n'))).toContain('STAT slab_global_page_pool');
  });
});

describe('a listing', () => {
  it('is made in portions and holds every item that was there all along', () => {
    const store = newStore({ memoryBytes: 16 * 1024 * 1024 });
    const talk = new Talk(store);
    const keys = Array.from({ length: 20_000 }, (_, number) => `key-${number}`);
    talk.say(Buffer.from(keys.map((key) => `set ${key} 0 0 1 noreply\r\nx\r\n`).join('')));
    const heard = talk.say(Buffer.from('lru_crawler mgdump all\r\nversion\r\n'));
    expect(talk.pauses).toBeGreaterThan(0);
    expect(talk.reply.bytes.length).toBeLessThan(1024 * 1024);
    expect(sorted(heard)).toBe(
      sorted(`OK\r\n${keys.map((key) => `mg ${key}\r\n`).join('')}EN\r\nVERSION 1.6.0-test\r\n`),
    );
  });

  it('leaves the store to others between two portions', () => {
    const store = newStore({ memoryBytes: 16 * 1024 * 1024 });
    const [lister, other] = [new Talk(store), new Talk(store)];
    for (let number = 0; number < 20_000; number++) {
      other.say(Buffer.from(`set ${'k'.repeat(50)}${number} 0 0 1 noreply\r\nx\r\n`));
    }
    const said = Buffer.from('lru_crawler metadump all\r\n');
    lister.session.consume(said, 0, said.length, lister.reply);
    expect(lister.session.paused).toBe(true);
    expect(other.say(Buffer.from('flush_all\r\n'))).toBe('OK\r\n');
    lister.reply.clear();
    expect(lister.say(Buffer.alloc(0)).split('\n').length).toBeLessThan(300);
  });
});

describe('a watcher', () => {
  const lines = (talk: Talk): string[] =>
    talk
      .say(Buffer.alloc(0))
      .split('\n')
      .filter((line) => line !== '');
  const withoutTimes = (line: string): string => line.replace(/^ts=\d+\.\d+ gid=\d+ /, '');

  it('sees what it asked for, and reads no more commands', () => {
    const store = newStore();
    const [watcher, client] = [new Talk(store), new Talk(store)];
    expect(watcher.say(Buffer.from('watch fetchers mutations deletions\r\nversion\r\n'))).toBe('OK\r\n');
    expect(watcher.session.isWatching).toBe(true);
    client.say(
      Buffer.from(
        'get a b\r\nset a 0 9 3\r\nabc\r\nget a\r\nadd a 0 0 1\r\nx\r\ndelete a\r\nms q 1 I C5\r\nx\r\n',
      ),
    );
    expect(lines(watcher).map(withoutTimes)).toEqual([
      'type=item_get key=a status=not_found clsid=0 cfd=0 size=0',
      'type=item_get key=b status=not_found clsid=0 cfd=0 size=0',
      'type=item_store key=a status=stored cmd=set ttl=9 clsid=1 cfd=0 size=3',
      'type=item_get key=a status=found clsid=1 cfd=0 size=3',
      'type=item_store key=a status=not_stored cmd=add ttl=0 clsid=1 cfd=0 size=1',
      'type=deleted key=a cmd=delete clsid=1 size=3',
      'type=item_store key=q status=not_found cmd=cas ttl=0 clsid=1 cfd=0 size=1',
    ]);
    expect(lines(watcher)).toEqual([]);
    watcher.session.close();
    expect(store.watchLog.watcherCount).toBe(0);
  });

  it('sees what a value that was appended to has become', () => {
    const store = newStore();
    const [watcher, client] = [new Talk(store), new Talk(store)];
    client.say(Buffer.from('set a 0 9 3\r\nabc\r\n'));
    watcher.say(Buffer.from('watch mutations\r\n'));
    client.say(
      Buffer.from(`append a 0 0 70\r\n${'x'.repeat(70)}\r\nms a 1 MP N5\r\nx\r\nms b 1 MA N5\r\nx\r\n`),
    );
    expect(lines(watcher).map(withoutTimes)).toEqual([
      'type=item_store key=a status=stored cmd=append ttl=9 clsid=3 cfd=0 size=73',
      'type=item_store key=a status=stored cmd=prepend ttl=9 clsid=3 cfd=0 size=74',
      'type=item_store key=b status=stored cmd=append ttl=5 clsid=1 cfd=0 size=1',
    ]);
  });

  it('sees what found no room', () => {
    const store = newStore({ memoryBytes: 4 * 1024 * 1024, evictions: false });
    const [watcher, client] = [new Talk(store), new Talk(store)];
    for (let number = 0; number < 5; number++) {
      client.say(Buffer.from(`set k${number} 0 0 900000\r\n${'x'.repeat(900_000)}\r\n`));
    }
    watcher.say(Buffer.from('watch mutations\r\n'));
    client.say(
      Buffer.from('add a%1 0 9 2000000\r\n'.concat('x'.repeat(2_000_000), '\r\nms b 900000 MA\r\n')),
    );
    expect(lines(watcher).map(withoutTimes)).toEqual([
      'type=item_store key=a%251 status=too_large cmd=add ttl=0 clsid=0 cfd=0 size=0',
      'type=item_store key=b status=no_memory cmd=append ttl=0 clsid=0 cfd=0 size=0',
    ]);
  });

  it('sees what is evicted, and each line with a time and a number', () => {
    const store = newStore({ memoryBytes: 4 * 1024 * 1024 });
    const [watcher, client] = [new Talk(store), new Talk(store)];
    watcher.say(Buffer.from('watch evictions\r\n'));
    for (let number = 0; number < 12; number++) {
      client.say(Buffer.from(`set k%${number} 0 0 400000\r\n${'x'.repeat(400_000)}\r\n`));
    }
    expect(lines(watcher)[0]).toMatch(
      /^ts=1700000000\.0 gid=1 type=eviction key=k%25\d+ fetch=no ttl=-1 la=0 clsid=\d+ size=400000$/,
    );
  });

  it('that is slow loses the oldest lines and is told how many; the store never waits', () => {
    const store = newStore();
    const [watcher, client] = [new Talk(store), new Talk(store)];
    watcher.say(Buffer.from('watch\r\n'));
    const total = 10_000;
    client.say(Buffer.from('get a\r\n'.repeat(total)));
    const [first, ...rest] = lines(watcher);
    const skipped = Number(/^skipped=(\d+)$/.exec(first)?.[1]);
    expect(skipped + rest.length).toBe(total);
    expect(skipped).toBeGreaterThan(total / 2);
    expect(rest.at(-1)).toContain(` gid=${total} type=item_get key=a `);
  });

  it('is one of at most 20', () => {
    const store = newStore();
    const watchers = Array.from({ length: 21 }, () => new Talk(store));
    const heard = watchers.map((watcher) => watcher.say(Buffer.from('watch\r\n')));
    expect(heard.slice(0, 20)).toEqual(Array(20).fill('OK\r\n'));
    expect(heard[20]).toBe('WATCHER_TOO_MANY log watcher limit reached\r\n');
    for (const watcher of watchers) watcher.session.close();
    expect(new Talk(store).say(Buffer.from('watch\r\n'))).toBe('OK\r\n');
  });
});
