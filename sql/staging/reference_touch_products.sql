-- One row inserted is one issue month whose cells this change of products may alter: a month in which a changed SKU
-- occurs. Settings: lkp.change_no.
insert into month_touched (issue_month, change_no)
select distinct sku_month.issue_month, current_setting('lkp.change_no')::bigint
from product
join sku_month on sku_month.sku = product.sku
where current_setting('lkp.change_no')::bigint in (product.change_no, product.ended_no);
