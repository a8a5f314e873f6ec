// Preloaded (`node --import`) into servers that are told a port only: prints the one that PORT=0 was given.
import net from "node:net";

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  this.once("listening", () => console.log(`http://127.0.0.1:${this.address().port}/mcp`));
  return listen.apply(this, args);
};
