/* Explanations under way, each in a slot of Dash's background callbacks: `Dashboard/ui/explain/callbacks.py`.
 *
 * Dash asks for progress and gives the result; this hands orders in, tells who waits, and notices
 * when Dash hears no more of the server. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const OPEN = ["queued", "running"];
  const SILENCE_MS = 10000;
  const LOOK_MS = 1000;
  const waiting = [];
  const followed = new Map(); // tickets and their jobs
  const busy = new Set();
  // The server counts by tickets who follows a job, so those of two pages differ.
  const random = crypto.getRandomValues(new Uint32Array(2));
  let lastTicket = (random[0] % 2 ** 18) * 2 ** 32 + random[1];
  let looking = null;

  const set = (name, slot, data) => window.dash_clientside.set_props(`explain-${name}-${slot}`, { data });

  function freeSlot() {
    const count = Number(document.getElementById("explain-slots").dataset.count);
    return [...Array(count).keys()].find((slot) => !busy.has(slot));
  }

  function next() {
    while (waiting.length && freeSlot() !== undefined) {
      const job = waiting.shift();
      job.slot = freeSlot();
      job.heard = null; // not handed in yet
      busy.add(job.slot);
      followed.set(job.ticket, job);
      hand(job);
    }
    looking = looking || (followed.size ? setInterval(look, LOOK_MS) : null);
  }

  async function hand(job) {
    try {
      const order = await job.order();
      if (job.unwanted) {
        leave(job);
        return;
      }
      job.heard = Date.now();
      set("order", job.slot, { ticket: job.ticket, ...order });
    } catch (error) {
      leave(job);
      job.told({ error: error.message });
    }
  }

  function leave(job) {
    busy.delete(job.slot);
    followed.delete(job.ticket);
    if (!followed.size) {
      clearInterval(looking);
      looking = null;
    }
    next();
  }

  function look() {
    const now = Date.now();
    for (const job of [...followed.values()]) {
      if (job.heard && document.hidden) {
        job.heard = now; // the browser slows Dash's questions down
      } else if (job.heard && now - job.heard > SILENCE_MS) {
        leave(job);
        job.silent(job.key);
      }
    }
  }

  /* Tell the server of jobs that are followed no longer and go on, for whoever comes back. */
  function tellLeft(jobs) {
    const lines = jobs.filter(({ key }) => key).map(({ ticket, key }) => `${ticket}.${key}`);
    if (lines.length) {
      navigator.sendBeacon(lesions.url("left"), lines.join("\n"));
    }
  }

  // A page that the browser keeps may come back.
  window.addEventListener("pagehide", ({ persisted }) => tellLeft(persisted ? [] : [...followed.values()]));

  lesions.jobs = {
    /* Hand in what `order()` resolves to, once there is a slot. `told(answer)` hears how far it is
     * and, last, what came out; `silent(key)` is called where the server is not heard any more. */
    start(order, told, silent) {
      lastTicket += 1;
      waiting.push({ ticket: lastTicket, order, told, silent, key: null });
      next();
      return lastTicket;
    },
    /* Follow a job no longer; the server stops it where nobody else follows it. */
    cancel(ticket) {
      const place = waiting.findIndex((job) => job.ticket === ticket);
      const job = followed.get(ticket);
      if (place >= 0) {
        waiting.splice(place, 1);
      } else if (job?.key) {
        set("cancel", job.slot, ticket);
        leave(job);
      } else if (job) {
        job.unwanted = true; // Dash can stop it once the server has told of it
      }
    },
    /* Follow a job no longer that goes on. */
    release(ticket) {
      const job = followed.get(ticket);
      if (job) {
        tellLeft([job]);
        leave(job);
      }
    },
    hear(answer, through) {
      const job = answer && followed.get(answer.ticket);
      if (!job) {
        return;
      }
      job.heard = Date.now();
      job.key = answer.key || job.key;
      if (job.unwanted && !through) {
        lesions.jobs.cancel(job.ticket);
      } else if (through) {
        leave(job);
        job.told(answer);
      } else if (OPEN.includes(answer.state)) {
        job.told(answer);
      }
    },
  };
})();
