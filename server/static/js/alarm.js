// When overtaken: a sound, a vibration, a title that says so; and a screen that stays on while the lot runs.

import { $, announce, say, store, t, toast } from "./page.js";

const MUTED = "yangcai.muted";

export class Alarm {
  constructor(button) {
    this.muted = store.get(MUTED) === true;
    this.button = button;
    this.title = document.title;
    this.lock = null;
    this.wanted = false;
    button?.addEventListener("click", () => this.toggle());
    // Browsers let a page sound only after a touch or key.
    const wake = () => { this.audio(); };
    addEventListener("pointerdown", wake, { once: true, passive: true });
    addEventListener("keydown", wake, { once: true });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      document.title = this.title;
      this.keepAwake(this.wanted);
    });
    this.draw();
  }

  toggle() {
    this.muted = !this.muted;
    store.set(MUTED, this.muted);
    this.draw();
    if (!this.muted) this.sound([660]);
  }

  draw() {
    if (!this.button) return;
    this.button.setAttribute("aria-pressed", String(!this.muted));
    say($("[data-word]", this.button), t(this.muted ? "live.sound_off" : "live.sound_on"));
  }

  audio() {
    const Context = window.AudioContext ?? window.webkitAudioContext;
    // Before the first touch or key a browser only complains.
    if (!Context || (!this.context && navigator.userActivation?.hasBeenActive === false)) return null;
    try {
      this.context ??= new Context();
      if (this.context.state === "suspended") this.context.resume();
    } catch { return null; }
    return this.context;
  }

  /** Short tones, one after the other; true when the browser lets the page sound. */
  sound(tones) {
    const context = this.audio();
    if (!context || context.state === "closed") return false;
    tones.forEach((tone, i) => {
      const start = context.currentTime + i * 0.18;
      const wave = context.createOscillator();
      const gain = context.createGain();
      wave.frequency.value = tone;
      gain.gain.setValueAtTime(0.0001, start);
      gain.gain.exponentialRampToValueAtTime(0.25, start + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.16);
      wave.connect(gain).connect(context.destination);
      wave.start(start);
      wave.stop(start + 0.17);
    });
    return context.state === "running";
  }

  vibrate(pattern) {
    if (navigator.userActivation?.hasBeenActive === false) return false;
    try { return Boolean(navigator.vibrate?.(pattern)); } catch { return false; }
  }

  overtaken(text) {
    if (!this.muted) {
      this.sound([880, 660, 880]);
      this.vibrate([120, 80, 120]);
    }
    toast(text, "bad");
    announce(text);
    if (document.visibilityState === "hidden") document.title = `● ${text}`;
  }

  turn(text) {
    if (!this.muted) {
      this.sound([523, 784]);
      this.vibrate([200]);
    }
    toast(text);
    announce(text);
    if (document.visibilityState === "hidden") document.title = `● ${text}`;
  }

  /** Keep the screen on; browsers without a wake lock leave it to the device, and the pre-flight page says so. */
  async keepAwake(wanted) {
    this.wanted = wanted;
    if (!wanted) { this.lock?.release?.(); this.lock = null; return false; }
    if (!("wakeLock" in navigator) || document.visibilityState !== "visible" || this.lock) return Boolean(this.lock);
    try {
      this.lock = await navigator.wakeLock.request("screen");
      this.lock.addEventListener("release", () => { this.lock = null; });
      return true;
    } catch { return false; }
  }
}
