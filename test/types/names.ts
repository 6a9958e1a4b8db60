import { Logger } from '@nestjs/common';
import { Adapter, SerialStore, type ModelRecord } from 'nestjs-diffsync';

/** Authors of adapters and stores choose the names of their fields freely. */
export class Loading extends Adapter {
  private readonly logger = new Logger(Loading.name);
  private readonly log = Math.max;
  private readonly options = {};
  private readonly objects = new Map<string, object>();
  override async load(): Promise<void> {
    this.logger.log('loading');
    this.log(this.objects.size, (await this.loadModel('device')).length, Object.keys(this.options).length);
  }
  private async loadModel(name: string): Promise<string> {
    return name;
  }
}

export abstract class Named extends SerialStore {
  private readonly objects = new Map<string, ModelRecord>();
  private readonly operations: string[] = [];
  private readonly links = new Map<string, string>();
  private readonly parts = 1;
  private readonly core = 2;
  private readonly queue = [1];
  private readonly log = Math.max;
  private state = 'new';
  private opening = false;
  private last = '';
  show(): unknown {
    this.state = this.last;
    this.opening = true;
    this.last = `${this.parts}${this.core}`;
    return [this.objects, this.operations, this.links, this.log, this.queue, this.state, this.opening];
  }
}
