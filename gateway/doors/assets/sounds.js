/** The lane's sounds. Told apart by their count, not by pitch alone: frequency in hertz, length in milliseconds, for each. */
const sounds = {
  good: [[1320, 90]],
  redeemed: [
    [1320, 90],
    [1760, 90],
  ],
  refused: [
    [330, 140],
    [330, 140],
  ],
  unsure: [
    [660, 80],
    [660, 80],
    [660, 80],
  ],
};
const PAUSE_MS = 60;
const VOLUME = 'tearline-volume';
/** At the middle it is as loud as a scanner's own beep beside it. */
const VOLUME_DEFAULT = 50;

let audio = null;

/** 0 to 100, kept on this device. */
export function volume() {
  const kept = Number(localStorage.getItem(VOLUME) ?? VOLUME_DEFAULT);
  return kept >= 0 && kept <= 100 ? kept : VOLUME_DEFAULT;
}

export function setVolume(percent) {
  localStorage.setItem(VOLUME, percent);
}

/** Browsers are silent until a key or a click. */
export function unlock() {
  audio ??= new AudioContext();
  if (audio.state === 'suspended') audio.resume();
}

export function play(sound) {
  if (audio?.state !== 'running' || sound === null || volume() === 0) return;
  let at = audio.currentTime;
  for (const [hertz, ms] of sounds[sound]) {
    const tone = new OscillatorNode(audio, { frequency: hertz });
    const gain = new GainNode(audio, { gain: volume() / 200 });
    tone.connect(gain).connect(audio.destination);
    tone.start(at);
    // Cut off at once it would crack.
    gain.gain.setTargetAtTime(0, at + ms / 1000 - 0.01, 0.004);
    tone.stop(at + ms / 1000 + 0.02);
    at += (ms + PAUSE_MS) / 1000;
  }
}
