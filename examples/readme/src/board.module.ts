import { type CanActivate, type ExecutionContext, Injectable, Module } from '@nestjs/common';
import { DiffSyncStoreModule } from 'nestjs-diffsync';
import { DiffSyncBoardModule } from 'nestjs-diffsync/board';
import { CmdbAdapter, NetworkAdapter } from './application.js';

/** What the sign-in of the application leaves in a request. */
interface SignedIn {
  readonly user?: { readonly name: string; readonly roles: readonly string[] };
}

@Injectable()
export class ReaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<SignedIn>().user !== undefined;
  }
}

@Injectable()
export class DeciderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<SignedIn>().user?.roles.includes('admin') ?? false;
  }
}

@Module({
  imports: [
    DiffSyncStoreModule.forRoot({ engine: 'redis', url: 'redis://localhost:6379', storeId: 'inventory' }),
    DiffSyncStoreModule.forFeature(['network', 'cmdb']),
    DiffSyncBoardModule.forRoot({
      path: 'diffsync',
      guards: [ReaderGuard],
      decideGuards: [DeciderGuard],
      user: (request: SignedIn) => request.user?.name ?? '',
      runOptions: ({ kind }) => ({ guards: { maxDeletePercent: 10 }, verify: kind === 'apply' }),
    }),
  ],
  providers: [NetworkAdapter, CmdbAdapter],
})
export class BoardModule {}
