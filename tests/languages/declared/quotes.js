'use strict';
// What quotes.d.ts declares.
exports.price = (amount, rate, name) => {
	if (name === '')
		throw new TypeError('nothing has no price');
	return Number(amount) * rate;
};
exports.digest = (data, seed) => Buffer.from(data.map((byte) => (byte + seed) & 255));
exports.moved = async (point, by) => ({ x: point.x + by, y: point.y - by });
exports.several = (count) => ({ result: count / 2, result_2: 'x'.repeat(count) });
exports.openSession = (note) => ({ note, asked: 0 });
exports.askSession = (session, question) => `${session.note} ${++session.asked}: ${question}`;
exports.closeSession = () => {};
