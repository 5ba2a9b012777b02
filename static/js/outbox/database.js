// IndexedDB as this page uses it: one database for all people of the browser, each record with its `user_id`.
// Every call may fail or never answer (private windows, a full disk, Safari losing its database process), so
// every call has a time limit and rejects with StorageFailed.

const NAME = "flowra";
const VERSION = 1;
const OUTBOX = "outbox"; // records of outbox.js, keyed by user and client_id; they may hold Blobs
const WITHIN = 4000; // ms: opening and each transaction; some versions of Safari never answer the first open()

export class StorageFailed extends Error {
  name = "StorageFailed";
}

/** All keys of one user; arrays sort behind strings, so [userId, []] is behind every client_id. */
const keysOf = (userId) => IDBKeyRange.bound([userId], [userId, []]);

export class Database {
  constructor({ clock, factory = globalThis.indexedDB }) {
    Object.assign(this, { clock, factory });
    this.opening = null; // a promise of the connection, until it is closed
  }

  /** Resolves to the connection; opened anew where the browser has closed it. */
  connect() {
    this.opening ??= this.open().catch((error) => {
      this.opening = null;
      throw error;
    });
    return this.opening;
  }

  open() {
    return this.within((resolve, reject) => {
      const request = this.factory.open(NAME, VERSION);
      request.onupgradeneeded = () => request.result.createObjectStore(OUTBOX, { keyPath: ["user_id", "client_id"] });
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(new Error("another tab holds an older version open"));
      request.onsuccess = () => {
        const connection = request.result;
        connection.onversionchange = () => this.close(connection); // a later version of the page wants to upgrade
        connection.onclose = () => this.close(connection);
        resolve(connection);
      };
    });
  }

  close(connection) {
    connection.close();
    this.opening = null;
  }

  /** Run `work(resolve, reject)`, but not for longer than WITHIN. */
  async within(work) {
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        timer = this.clock.setTimeout(() => reject(new Error("no answer")), WITHIN);
        work(resolve, reject);
      });
    } catch (error) {
      throw new StorageFailed(`IndexedDB: ${error?.message ?? error}`, { cause: error });
    } finally {
      this.clock.clearTimeout(timer);
    }
  }

  /**
   * Run `work(store, done)` in one transaction; resolves, once it is committed, to what `done(value)` was given. `work`
   * only makes requests and answers them: after an `await` of anything else the transaction would be over. With the
   * durability "strict" it is on the disk then, not only on its way there.
   */
  async transact(mode, work, durability = "relaxed") {
    for (let isFirst = true; ; isFirst = false) {
      const connection = await this.connect();
      try {
        return await this.within((resolve, reject) => {
          const transaction = connection.transaction(OUTBOX, mode, { durability });
          let value;
          transaction.oncomplete = () => resolve(value);
          transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
          work(transaction.objectStore(OUTBOX), (given) => {
            value = given;
            // At once, without waiting for the last answer: so it is kept even where the page ends now.
            if (mode === "readwrite") transaction.commit?.();
          });
        });
      } catch (error) {
        // The browser has closed the connection, or lost it (Safari's "Connection to Indexed Database server lost").
        const isLost = ["InvalidStateError", "UnknownError"].includes(error.cause?.name);
        if (!isLost || !isFirst) throw error;
        this.close(connection);
      }
    }
  }

  /** Resolves to the entries of all users; sign-out.js sees to it that one device keeps those of one of them. */
  loadAll() {
    return this.transact("readonly", (store, done) => {
      const request = store.getAll();
      request.onsuccess = () => done(request.result);
    });
  }

  /** Delete all entries; with `but`, those of all users except this one. */
  wipe(but = null) {
    return this.transact("readwrite", (store, done) => {
      if (but === null) {
        store.clear();
        done();
        return;
      }
      const walk = store.openKeyCursor();
      walk.onsuccess = () => {
        const cursor = walk.result;
        if (cursor === null) return;
        if (cursor.key[0] !== but) store.delete(cursor.primaryKey);
        cursor.continue();
      };
    });
  }
}

/** What one user has not sent, in IndexedDB: the store that outbox.js asks for. */
export class DatabaseStore {
  constructor(database, userId) {
    Object.assign(this, { database, userId });
  }

  /** Resolves to all entries, in no order. */
  load() {
    return this.database.transact("readonly", (store, done) => {
      const request = store.getAll(keysOf(this.userId));
      request.onsuccess = () => done(request.result.map(({ user_id: _, ...entry }) => entry));
    });
  }

  /** What somebody pressed Enter on outlives a power cut. */
  add(entry) {
    const put = (store, done) => {
      store.put({ ...entry, user_id: this.userId });
      done();
    };
    return this.database.transact("readwrite", put, "strict");
  }

  /**
   * Have `change(entry)` say what becomes of an entry: another one, or null to remove it. No other tab comes between.
   * Resolves to what is there afterwards; null where the entry is gone, or was before.
   */
  change(clientId, change) {
    return this.database.transact("readwrite", (store, done) => {
      const request = store.get([this.userId, clientId]);
      request.onsuccess = () => {
        if (request.result === undefined) {
          done(null);
          return;
        }
        const { user_id: _, ...entry } = request.result;
        const changed = change(entry);
        if (changed === null) store.delete([this.userId, clientId]);
        else store.put({ ...changed, user_id: this.userId });
        done(changed);
      };
    });
  }
}
