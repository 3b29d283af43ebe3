// Money as integers: fen for amounts, basis points for discount-rate lots (7350 = 73.50 % of the list price).

export const PRICE_MAX = 900_000_000_000;
const FULL_WIDTH = "０１２３４５６７８９．，";
const HALF_WIDTH = "0123456789.,";

/**
 * Read a price as typed. Returns `{value}`, or `{error, fill}`: the code under `room.entry.*` and, when what was meant
 * is plain, the integer that one tap may fill in. Nothing is guessed into a bid: only exact plain figures are taken.
 */
export function parsePrice(typed, unit = "fen") {
  let text = typed.trim();
  if (text === "") return { error: "empty" };
  const half = text.replace(/[０-９．，]/g, (sign) => HALF_WIDTH[FULL_WIDTH.indexOf(sign)]).replace(/[　\s]/g, "");
  if (/[０-９．，]/.test(text)) return { error: "full_width", fill: parsePrice(half, unit).value };
  text = text.replace(unit === "bp" ? /\s*%$/ : /^[¥￥]\s*/, "").replace(/\s*元$/, "");
  if (/^[-−－]/.test(text)) return { error: "negative" };
  if (/^\d+(\.\d+)?[eE][+-]?\d+$/.test(text)) return { error: "scientific" };
  const wan = /^(\d+(?:\.\d{1,6})?)\s*万$/.exec(text);
  if (wan && unit === "fen") return { error: "wan", fill: scaled(wan[1], 6) };
  if (!/^[\d.,]+$/.test(text) || !/\d/.test(text)) return { error: "letters" };
  if (text.includes(",") && !/^\d{1,3}(,\d{3})+(\.\d*)?$/.test(text)) {
    return { error: "grouping", fill: parsePrice(text.replace(/,/g, ""), unit).value };
  }
  text = text.replace(/,/g, "");
  if (!/^\d+(\.\d*)?$/.test(text)) return { error: "letters" };
  if (/^0\d/.test(text)) return { error: "leading_zero", fill: parsePrice(text.replace(/^0+(?=\d)/, ""), unit).value };
  if (/\.\d{3,}$/.test(text)) return { error: "decimals", fill: parsePrice(text.replace(/(\.\d\d)\d+$/, "$1"), unit).value };
  const [whole, part = ""] = text.split(".");
  if (whole.length > 11) return { error: unit === "bp" ? "over_100" : "huge" };
  const value = Number(whole) * 100 + Number(part.padEnd(2, "0"));
  if (value === 0) return { error: "zero" };
  if (unit === "bp" && value > 10_000) return { error: "over_100" };
  if (value > PRICE_MAX) return { error: "huge" };
  return { value };
}

/** `"42.86"` shifted by `places` decimal places as an exact integer; undefined when it is zero or too large. */
function scaled(text, places) {
  const [whole, part = ""] = text.split(".");
  const value = Number(whole + part.padEnd(places, "0"));
  return value > 0 && value <= PRICE_MAX ? value : undefined;
}

const grouped = (digits) => digits.replace(/\B(?=(\d{3})+(?!\d))/g, ",");

/** `428,600.00`, or `73.50` for basis points: what stands in the entry. */
export function plain(value, unit = "fen") {
  const text = String(Math.trunc(Math.abs(value) / 100));
  return `${value < 0 ? "-" : ""}${unit === "bp" ? text : grouped(text)}.${String(Math.abs(value) % 100).padStart(2, "0")}`;
}

/** `¥428,600.00`, or `73.50%`. */
export function price(value, unit = "fen") {
  if (value === null || value === undefined) return "—";
  return unit === "bp" ? `${plain(value, unit)}%` : (value < 0 ? "-¥" : "¥") + plain(Math.abs(value));
}

/** A short form for buttons: cents only when there are any. */
export const short = (value, unit = "fen") => (unit === "bp" ? price(value, unit) : plain(value).replace(/\.00$/, ""));

/** `42.86 万元` for the hover title of big amounts. */
export const wan = (value) => `${(Math.round(value / 10_000) / 100).toFixed(2)} 万元`;

/** `2.6%` of `part` in `whole`, one decimal, rounded toward zero so that nothing is said larger than it is. */
export function percent(part, whole, places = 1) {
  if (!whole) return "—";
  const scale = 10 ** places;
  return `${(Math.trunc((part / whole) * 100 * scale) / scale).toFixed(places)}%`;
}

const DIGITS = "零壹贰叁肆伍陆柒捌玖";
const SMALL = ["", "拾", "佰", "仟"];
const LARGE = ["", "万", "亿", "万亿"];

function group(four) {
  let text = "";
  let gap = false;
  for (let place = 3; place >= 0; place -= 1) {
    const digit = Math.floor(four / 10 ** place) % 10;
    if (digit === 0) gap = text !== "" || gap;
    else {
      text += (gap && text ? "零" : "") + DIGITS[digit] + SMALL[place];
      gap = false;
    }
  }
  return text;
}

/** 大写: `肆拾贰万捌仟陆佰元整`. */
export function upper(fen) {
  const yuan = Math.floor(fen / 100);
  const jiao = Math.floor(fen / 10) % 10;
  const cent = fen % 10;
  let text = "";
  let rest = yuan;
  let skipped = false;
  for (let place = 3; place >= 0; place -= 1) {
    const unit = 10_000 ** place;
    const four = Math.floor(rest / unit);
    rest %= unit;
    if (four === 0) { skipped = text !== ""; continue; }
    text += (text && (skipped || four < 1000) ? "零" : "") + group(four) + LARGE[place];
    skipped = false;
  }
  if (yuan > 0) text += "元";
  if (jiao === 0 && cent === 0) return (text || "零元") + "整";
  if (jiao > 0) text += DIGITS[jiao] + "角";
  else if (yuan > 0) text += "零";
  return cent > 0 ? text + DIGITS[cent] + "分" : text;
}
