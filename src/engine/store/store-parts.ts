// The parts of the store, made in the order in which one builds on the other.
import { Accounts } from './items/accounts.js';
import { Departures } from './items/departures.js';
import { Eviction } from './items/eviction.js';
import { Items } from './items/items.js';
import { Liveness } from './items/liveness.js';
import { PeerKnowledge } from './items/peer-knowledge.js';
import { Relocation } from './items/relocation.js';
import { Reservation } from './items/reservation.js';
import { Sweep } from './items/sweep.js';
import { Tombstones } from './items/tombstones.js';
import { Arithmetic } from './operations/arithmetic.js';
import { CommitRules } from './operations/commit-rules.js';
import { Concatenation } from './operations/concatenation.js';
import { Deletion } from './operations/deletion.js';
import { Flushing } from './operations/flushing.js';
import { Insertion } from './operations/insertion.js';
import { LocalWrites } from './operations/local-writes.js';
import { Lookup } from './operations/lookup.js';
import { Overwriting } from './operations/overwriting.js';
import { OwnUniques } from './operations/own-uniques.js';
import { Storing } from './operations/storing.js';
import { Touching } from './operations/touching.js';
import { RemoteWrites } from './remote-writes.js';
import { Statistics } from './statistics.js';
import { StoreLock } from './store-lock.js';
import type { StoreState } from './store-state.js';
import { SweepPace } from './sweep-pace.js';

export class StoreParts {
  readonly lock: StoreLock;
  readonly statistics: Statistics;

  // How items come, lie and go.
  readonly liveness: Liveness;
  readonly accounts: Accounts;
  readonly peer: PeerKnowledge;
  readonly departures: Departures;
  readonly eviction: Eviction;
  readonly reservation: Reservation;
  readonly tombstones: Tombstones;
  readonly items: Items;
  readonly sweep: Sweep;
  readonly sweepPace: SweepPace;

  // What commands do.
  readonly lookup: Lookup;
  readonly writes: LocalWrites;
  readonly deletion: Deletion;
  readonly touching: Touching;
  readonly insertion: Insertion;
  readonly arithmetic: Arithmetic;
  readonly overwriting: Overwriting;
  readonly storing: Storing;
  readonly ownUniques: OwnUniques;
  readonly flushing: Flushing;
  readonly remote: RemoteWrites;

  constructor(state: StoreState) {
    this.lock = new StoreLock(state.memory);
    this.statistics = new Statistics(state);

    this.liveness = new Liveness(state);
    this.accounts = new Accounts(state);
    this.peer = new PeerKnowledge(state, this.liveness);
    this.departures = new Departures(state, this.accounts, this.liveness, this.peer);
    const relocation = new Relocation(state, this.accounts);
    this.eviction = new Eviction(state, this.liveness, this.departures, relocation);
    this.reservation = new Reservation(state, this.eviction);
    this.tombstones = new Tombstones(state, this.accounts, this.departures, this.reservation);
    this.items = new Items(state, this.accounts);
    this.sweep = new Sweep(state, this.accounts, this.liveness, this.departures);
    this.sweepPace = new SweepPace(state.memory);

    this.lookup = new Lookup(state, this.accounts, this.liveness, this.departures);
    this.writes = new LocalWrites(state, this.items);
    this.deletion = new Deletion(state, this);
    this.touching = new Touching(state, this);
    this.insertion = new Insertion(state, this.reservation, this.writes);
    this.arithmetic = new Arithmetic(state, this);
    this.overwriting = new Overwriting(state, this);
    const rules = new CommitRules(state, this.accounts, this.lookup);
    const concatenation = new Concatenation(state, this.reservation, this.writes);
    this.storing = new Storing(state, this, rules, concatenation);
    this.ownUniques = new OwnUniques(state, this.reservation, this.lookup, this.writes);
    this.flushing = new Flushing(state, this.lock);
    this.remote = new RemoteWrites(state, this);
  }
}
